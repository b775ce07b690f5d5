import { describe, expect, it } from 'vitest';

import { isPlainMath, safeLink, sanitize } from '../sanitizer';

const clean = (html: string): HTMLElement => {
  const host = document.createElement('div');
  host.appendChild(sanitize(html));
  return host;
};

const REMOTE = 'https://evil.example/x';

const PAYLOADS = [
  `<img src="${REMOTE}">`,
  `<img src=x onerror="window.__pwn=1">`,
  `<img srcset="${REMOTE} 2x" src="${REMOTE}">`,
  `<picture><source srcset="${REMOTE}"><img src="${REMOTE}"></picture>`,
  `<svg><image href="${REMOTE}"/><script>1</script></svg>`,
  `<svg onload="window.__pwn=1"></svg>`,
  `<math><mtext><table><mglyph><style><img src=x onerror=window.__pwn=1></style></mglyph></table></mtext></math>`,
  `<div style="background-image:url(${REMOTE})">x</div>`,
  `<style>@import "${REMOTE}"; body{display:none}</style>`,
  `<link rel="stylesheet" href="${REMOTE}">`,
  `<video src="${REMOTE}" poster="${REMOTE}"></video><audio src="${REMOTE}"></audio>`,
  `<video><track src="${REMOTE}"><source src="${REMOTE}"></video>`,
  `<iframe src="${REMOTE}" srcdoc="<script>1</script>"></iframe>`,
  `<object data="${REMOTE}"><embed src="${REMOTE}"></object>`,
  `<form action="${REMOTE}"><input name=a><button>Approve</button></form>`,
  `<button data-commandlinker-command="apputils:change-theme">Click</button>`,
  `<a href="#" data-commandlinker-command="kimi:x" data-commandlinker-args="{}">x</a>`,
  `<a href="javascript:window.__pwn=1">x</a>`,
  `<a href="java\tscript:window.__pwn=1">x</a>`,
  `<a href="&#1;javascript:window.__pwn=1">x</a>`,
  `<a href="data:text/html,<script>1</script>">x</a>`,
  `<a href="vbscript:1">x</a>`,
  `<a href="/kimi/key" ping="${REMOTE}">x</a>`,
  `<a href="//evil.example">x</a>`,
  `<base href="${REMOTE}"><meta http-equiv="refresh" content="0;url=${REMOTE}">`,
  `<div id="jupyter-config-data" name="cookie">{}</div>`,
  `<div class="jp-Kimi-ask"><span class="jp-Kimi-chip">Approve</span></div>`,
  `<div style="position:fixed;inset:0">over</div>`,
  `<img src="data:image/svg+xml;base64,PHN2Zz48L3N2Zz4=">`,
  `<noscript><p title="</noscript><img src=x onerror=window.__pwn=1>"></noscript>`,
  `<template><img src=x onerror=window.__pwn=1></template>`,
  `<textarea><img src=x onerror=window.__pwn=1></textarea>`,
  `<xmp><img src=x onerror=window.__pwn=1></xmp>`,
  `<p onclick="window.__pwn=1" tabindex=0 accesskey=x contenteditable draggable=true>x</p>`,
  `<table background="${REMOTE}"><td background="${REMOTE}">x</td></table>`,
  `<body background="${REMOTE}"><input type=image src="${REMOTE}">`,
  `<isindex action="${REMOTE}"><keygen><marquee onstart=window.__pwn=1>x</marquee>`,
  `<!--><img src=x onerror=window.__pwn=1>-->`,
  `<![CDATA[<img src=x onerror=window.__pwn=1>]]>`,
  `<dialog open><slot><portal src="${REMOTE}"></portal></slot></dialog>`
];

const ATTRIBUTES = new Set(
  'href rel target title alt src align colspan rowspan start value span class type disabled checked data-host aria-label'.split(
    ' '
  )
);

describe('content', () => {
  it.each(PAYLOADS)('cannot load, run or act: %s', payload => {
    for (const element of clean(payload).querySelectorAll('*')) {
      for (const { name, value } of element.attributes) {
        expect(ATTRIBUTES).toContain(name);
        expect(name === 'class' && /jp-(?!Kimi-unloaded)|lm-/.test(value)).toBe(
          false
        );
        if (name === 'src') {
          expect(value).toMatch(/^data:image\/(png|jpeg|gif|webp);base64,/);
        }
        if (name === 'href') {
          expect(value).toMatch(/^(https?|mailto):/);
          expect(element.getAttribute('rel')).toBe(
            'noopener noreferrer nofollow'
          );
          expect(element.getAttribute('target')).toBe('_blank');
        }
      }
      expect(
        'script style iframe object embed form button svg math video audio link meta base template input'.split(
          ' '
        )
      ).not.toContain(element.localName);
    }
  });

  it('keeps what markdown is made of', () => {
    const html =
      '<h2 id="x">T</h2><table><thead><tr><th align="right">a</th></tr></thead></table>' +
      '<ol start="3"><li>x</li></ol><blockquote><em>q</em></blockquote>' +
      '<pre><code class="language-py"><span class="ͼ1a jp-x">x</span></code></pre>';
    expect(clean(html).innerHTML).toBe(
      '<h2>T</h2><table><thead><tr><th align="right">a</th></tr></thead></table>' +
        '<ol start="3"><li>x</li></ol><blockquote><em>q</em></blockquote>' +
        '<pre><code class="language-py"><span class="ͼ1a">x</span></code></pre>'
    );
  });

  it('shows a task list as boxes that nobody can tick', () => {
    const box = clean('<input checked disabled type="checkbox">').querySelector(
      'input'
    );
    expect([box?.disabled, box?.checked]).toEqual([true, true]);
  });

  it('names the host of a link whose words do not', () => {
    const links = clean(
      '<a href="https://google.com@evil.example/a?q=1">google.com</a><a href="https://x.org/">x.org</a>' +
        '<a href="https://аpple.com/">apple</a>'
    ).querySelectorAll('a');
    expect([...links].map(link => link.dataset['host'])).toEqual([
      'evil.example',
      undefined,
      'xn--pple-43d.com'
    ]);
  });

  it.each([
    ['https://e.com/', 'https://google.com/'],
    ['https://evil.example/', 'google.com/?evil.example'],
    ['https://evil.example/', 'https://google.com (evil.example)'],
    ['https://evil.example/', 'evil.example@google.com'],
    ['https://evil.example/', 'evil.example.google.com'],
    ['https://evil.example/', 'evil.example/ google.com'],
    ['https://google.com@evil.example/', 'https://google.com@evil.example/'],
    ['https://evil.example/', '\u202eevil.example'],
    ['https://evil.example:8443/', 'evil.example'],
    ['https://xn--pple-43d.com/', 'аpple.com']
  ])('test_f2: %s is named where its words are %j', (href, words) => {
    const made = clean(`<a href="${href}">${words}</a>`).querySelector('a');
    expect(made?.dataset['host']).toBe(new URL(href).host);
  });

  it.each([
    ['https://evil.example/', 'evil.example'],
    ['https://evil.example/a/b.html?q=1', 'https://evil.example/a/b.html?q=1']
  ])('test_f2: %s is not named twice in %j', (href, words) => {
    const made = clean(`<a href="${href}">${words}</a>`).querySelector('a');
    expect(made?.dataset['host']).toBeUndefined();
  });

  it('shows a remote image as a link with its description', () => {
    const link = clean(`<img alt="chart" src="${REMOTE}">`).querySelector('a');
    expect([link?.textContent, link?.dataset['host']]).toEqual([
      'chart',
      'evil.example'
    ]);
  });

  it('shows an image that is in the text itself', () => {
    expect(
      clean('<img src="data:image/png;base64,iVBORw0KGgo=">').querySelector(
        'img'
      )
    ).not.toBeNull();
  });

  it('survives depth and size', () => {
    expect(clean('<div>'.repeat(500) + 'deep').textContent).toBe('deep');
    expect(sanitize('<b>x</b>'.repeat(300), 100).textContent).toBe(
      'x'.repeat(50) + '…'
    );
  });
});

it.each([
  '\u202ehttps://x.org',
  'https://x.org/\r\nSet',
  'ftp://x.org',
  'file:///etc',
  'x.org',
  ''
])('refuses the address %j', address => {
  expect(safeLink(address)).toBeNull();
});

it('typesets only maths that sets no link, style or class', () => {
  expect(isPlainMath('so $x^2$')).toBe(true);
  for (const tex of [
    '\\href{https://x}{y}',
    '\\style{background:url(x)}{y}',
    '\\require{html}'
  ]) {
    expect(isPlainMath(`$${tex}$`)).toBe(false);
  }
});
