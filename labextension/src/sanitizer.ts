/**
 * Turns HTML of content into nodes that can neither run, nor load anything, nor pass for ours.
 *
 * The HTML is parsed in a document of its own, where nothing loads, and rebuilt from a list of what is allowed; it is never
 * written out and parsed again. JupyterLab's sanitiser is no guard here: it lets remote images, styles and forms through.
 */
import { hasInvisible } from './invisible';

const ALLOWED = new Set(
  (
    'a abbr b blockquote br caption cite code col colgroup dd del details dfn div dl dt em figcaption figure h1 h2 h3 h4 h5 h6 ' +
    'hr i img ins kbd li mark ol p pre q rp rt ruby s samp small span strong sub summary sup table tbody td tfoot th thead tr ' +
    'u ul var wbr'
  ).split(' ')
);

/** Gone with all that they hold; of any other unknown element the content stays. */
const DROPPED = new Set(
  (
    'applet audio base canvas embed frame frameset head iframe link math meta noembed noframes noscript object picture ' +
    'plaintext script select style svg template textarea title video xmp'
  ).split(' ')
);

const SCHEMES = new Set(['http:', 'https:', 'mailto:']);
const IMAGE = /^data:image\/(?:png|jpeg|gif|webp);base64,[a-z0-9+/=\s]+$/i;
/** Classes of the highlighter; no other name comes through, or content could dress as one of our cards. */
const CLASS = /^(?:ͼ[\w-]+|language-[\w+#.-]{1,30}|tok-[\w-]+|cm-[\w-]+)$/u;

const MAX_DEPTH = 60;
const MAX_NODES = 20_000;

/** Nodes of this document that show the content of `html`. */
export function sanitize(html: string, nodes = MAX_NODES): DocumentFragment {
  const parsed = new DOMParser().parseFromString(html, 'text/html');
  const fragment = document.createDocumentFragment();
  const budget = { nodes };
  copyChildren(parsed.body, fragment, 0, budget);
  return fragment;
}

/** The address as a link may carry it, or `null` where it is none of `http`, `https` and `mailto`. */
export function safeLink(href: string): URL | null {
  const given = href.trim();
  if (hasInvisible(given) || !URL.canParse(given)) {
    return null;
  }
  const url = new URL(given);
  return SCHEMES.has(url.protocol) && /^[a-z]+:/i.test(given) ? url : null;
}

interface Budget {
  nodes: number;
}

function copyChildren(
  from: Node,
  to: Node,
  depth: number,
  budget: Budget
): void {
  for (let child = from.firstChild; child !== null; child = child.nextSibling) {
    if (budget.nodes-- <= 0) {
      to.appendChild(document.createTextNode('…'));
      return;
    }
    if (child instanceof Text || child.nodeType === Node.TEXT_NODE) {
      to.appendChild(document.createTextNode(child.textContent ?? ''));
    } else if (child.nodeType === Node.ELEMENT_NODE) {
      copyElement(child as Element, to, depth, budget);
    }
  }
}

function copyElement(
  from: Element,
  to: Node,
  depth: number,
  budget: Budget
): void {
  const tag = from.localName;
  if (DROPPED.has(tag)) {
    return;
  }
  if (depth > MAX_DEPTH) {
    to.appendChild(document.createTextNode(from.textContent ?? ''));
    return;
  }
  const made =
    tag === 'input'
      ? checkbox(from)
      : ALLOWED.has(tag)
        ? rebuild(from, tag)
        : null;
  if (made !== null) {
    to.appendChild(made);
  }
  copyChildren(from, made ?? to, depth + 1, budget);
}

function rebuild(from: Element, tag: string): HTMLElement {
  if (tag === 'a') {
    return link(from);
  }
  if (tag === 'img') {
    return image(from);
  }
  const made = document.createElement(tag);
  copyPlain(from, made);
  return made;
}

/** Attributes that only place things: numbers and fixed words. */
function copyPlain(from: Element, to: HTMLElement): void {
  for (const name of ['colspan', 'rowspan', 'start', 'value', 'span']) {
    const value = from.getAttribute(name);
    if (value !== null && /^-?\d{1,4}$/.test(value)) {
      to.setAttribute(name, value);
    }
  }
  const align = from.getAttribute('align');
  if (align !== null && /^(left|center|right)$/.test(align)) {
    to.setAttribute('align', align);
  }
  if (to.localName === 'span' || to.localName === 'code') {
    const kept = [...from.classList].filter(name => CLASS.test(name));
    if (kept.length > 0) {
      to.className = kept.join(' ');
    }
  }
}

function link(from: Element): HTMLElement {
  const url = safeLink(from.getAttribute('href') ?? '');
  if (url === null) {
    return document.createElement('span');
  }
  const made = document.createElement('a');
  made.href = url.href;
  made.rel = 'noopener noreferrer nofollow';
  made.target = '_blank';
  made.title = url.href;
  if (url.host !== '' && !namesHost(from.textContent ?? '', url)) {
    made.dataset['host'] = url.host;
  }
  return made;
}

/** Whether the words of a link are its address, from the host on; words that only hold the host may name another. */
function namesHost(words: string, url: URL): boolean {
  const said = words.trim().replace(/^https?:\/\//i, '');
  const host = said.slice(0, url.host.length).toLowerCase();
  const rest = said.slice(url.host.length);
  return (
    host === url.host &&
    url.username === '' &&
    /^(?:[/?#]\S*)?$/.test(rest) &&
    !hasInvisible(said)
  );
}

/** An image that is in the text itself; of another one only its description and address are shown. */
function image(from: Element): HTMLElement {
  const source = from.getAttribute('src') ?? '';
  const alt = from.getAttribute('alt') ?? '';
  if (IMAGE.test(source)) {
    const made = document.createElement('img');
    made.alt = alt;
    made.src = source;
    return made;
  }
  const url = safeLink(source);
  const made = document.createElement(url === null ? 'span' : 'a');
  made.className = 'jp-Kimi-unloaded';
  made.textContent = alt || url?.host || source.slice(0, 80);
  if (url !== null) {
    made.setAttribute('href', url.href);
    made.setAttribute('rel', 'noopener noreferrer nofollow');
    made.setAttribute('target', '_blank');
    made.title = url.href;
    made.dataset['host'] = url.host;
  }
  return made;
}

function checkbox(from: Element): HTMLElement | null {
  if (from.getAttribute('type') !== 'checkbox') {
    return null;
  }
  const made = document.createElement('input');
  made.type = 'checkbox';
  made.disabled = true;
  made.checked = from.hasAttribute('checked');
  made.setAttribute('aria-label', made.checked ? '✓' : '–');
  return made;
}

/** TeX commands that set links, styles, classes or raw attributes. */
const TEX =
  /\\(?:href|url|style|class|cssId|data|html\w*|require|includegraphics|bbox|mmlToken|unicode)(?![a-z])/i;

/** Whether maths in the text may be typeset; else it stays as it was typed. */
export function isPlainMath(text: string): boolean {
  return /\$|\\[([]|\\begin/.test(text) && !TEX.test(text);
}
