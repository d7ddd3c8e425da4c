/** The text of an HTML body. RFC 7572 §7 wants XHTML-IM instead, which is deprecated (XEP-0071): a text is what every client shows. */

// biome-ignore format: a table of pairs
const ENTITIES: Readonly<Record<string, string>> = {
  amp: '&', lt: '<', gt: '>', quot: '"', apos: "'", nbsp: ' ', copy: '©', reg: '®', trade: '™', hellip: '…', mdash: '—', ndash: '–',
  lsquo: '‘', rsquo: '’', ldquo: '“', rdquo: '”', laquo: '«', raquo: '»', bull: '•', middot: '·', euro: '€', times: '×', deg: '°', sect: '§',
}

/** Elements that begin and end on a line of their own. */
const BLOCKS = new Set([
  'p',
  'div',
  'h1',
  'h2',
  'h3',
  'h4',
  'h5',
  'h6',
  'ul',
  'ol',
  'li',
  'table',
  'tr',
  'blockquote',
  'pre',
  'hr',
  'dl',
  'dt',
  'dd',
])
/** Elements whose content nobody reads. */
const UNSEEN = new Set(['script', 'style', 'head', 'title', 'template', 'noscript'])

/** From `<` on: a name, and whether it closes. */
const TAG = /<(\/?)([A-Za-z][A-Za-z0-9]*)/y
const ATTRIBUTES = /\b(href|alt)\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s"'>]+))/gi

export function textOfHtml(html: string): string {
  const reader = new Reader()
  let at = 0
  while (at < html.length) {
    const open = html.indexOf('<', at)
    reader.text(html.slice(at, open < 0 ? html.length : open))
    if (open < 0) break
    if (html.startsWith('<!--', open)) {
      const end = html.indexOf('-->', open + 4)
      at = end < 0 ? html.length : end + 3
      continue
    }
    TAG.lastIndex = open
    const tag = TAG.exec(html)
    const isDeclaration = html[open + 1] === '!' || html[open + 1] === '?'
    if (!tag && !isDeclaration) {
      // A lone < is text, as browsers have it.
      reader.text('&lt;')
      at = open + 1
      continue
    }
    const close = tagEnd(html, tag ? TAG.lastIndex : open)
    at = close + 1
    if (!tag) continue
    const name = (tag[2] ?? '').toLowerCase()
    if (tag[1] === '/') reader.closes(name)
    else if (UNSEEN.has(name)) at = behind(html, name, at)
    else reader.opens(name, html.slice(TAG.lastIndex, close))
  }
  return reader.result()
}

/** The `>` that ends a tag: not one inside a quoted attribute. */
function tagEnd(html: string, from: number): number {
  let quote = ''
  for (let at = from; at < html.length; at++) {
    const c = html[at]
    if (quote !== '') {
      if (c === quote) quote = ''
    } else if (c === '"' || c === "'") quote = c
    else if (c === '>') return at
  }
  return html.length
}

function behind(html: string, name: string, from: number): number {
  const end = new RegExp(`</${name}`, 'gi')
  end.lastIndex = from
  const close = end.test(html) ? html.indexOf('>', end.lastIndex) : -1
  return close < 0 ? html.length : close + 1
}

class Reader {
  // Pieces, since looking at the end of a growing string copies all of it every time.
  readonly #pieces: string[] = []
  #last = '\n'
  #isPreformatted = false
  /** Where the link goes whose text is being read, and the first piece of that text. */
  #link: { readonly href: string; readonly from: number } | undefined

  text(raw: string): void {
    if (raw === '') return
    const text = this.#isPreformatted ? raw : raw.replace(/[ \t\r\n\f]+/g, ' ')
    const decoded = text.replace(/&(#[0-9]{1,7}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z]{2,8});/g, (written, name: string) => entity(name) ?? written)
    const follows = !this.#isPreformatted && decoded.startsWith(' ') && (this.#last === ' ' || this.#last === '\n')
    this.#add(follows ? decoded.slice(1) : decoded)
  }

  opens(name: string, attributes: string): void {
    if (name === 'br') this.#add('\n')
    else if (BLOCKS.has(name)) this.#newLine()
    if (name === 'li') this.#add('• ')
    else if (name === 'pre') this.#isPreformatted = true
    else if (name === 'img') this.text(attribute(attributes, 'alt') ?? '')
    else if (name === 'a') this.#link = { href: attribute(attributes, 'href') ?? '', from: this.#pieces.length }
    else if (name === 'td' || name === 'th') this.text(' ')
  }

  closes(name: string): void {
    if (name === 'pre') this.#isPreformatted = false
    if (BLOCKS.has(name)) this.#newLine()
    if (name !== 'a' || !this.#link) return
    const { href, from } = this.#link
    this.#link = undefined
    if (!/^[a-z][a-z0-9+.-]{0,30}:/i.test(href)) return
    // A link whose text is its address needs no second one.
    const text = this.#pieces.slice(from).join('')
    if (!text.includes(href.replace(/^(?:mailto|xmpp|tel):/i, ''))) this.#add(` <${href}>`)
  }

  result(): string {
    const lines = this.#pieces.join('').split('\n')
    return lines
      .map((line) => line.trimEnd())
      .join('\n')
      .replace(/\n{3,}/g, '\n\n')
      .trim()
  }

  #newLine(): void {
    if (this.#last !== '\n') this.#add('\n')
  }

  #add(text: string): void {
    if (text === '') return
    this.#pieces.push(text)
    this.#last = text.slice(-1)
  }
}

function attribute(attributes: string, name: string): string | undefined {
  for (const [, found, double, single, bare] of attributes.matchAll(ATTRIBUTES)) {
    if (found?.toLowerCase() !== name) continue
    return (double ?? single ?? bare ?? '').replace(/&amp;/g, '&')
  }
  return undefined
}

function entity(name: string): string | undefined {
  if (!name.startsWith('#')) return ENTITIES[name]
  const code = /^#[xX]/.test(name) ? Number.parseInt(name.slice(2), 16) : Number(name.slice(1))
  return code > 0 && code <= 0x10ffff && !(code >= 0xd800 && code <= 0xdfff) ? String.fromCodePoint(code) : '\ufffd'
}
