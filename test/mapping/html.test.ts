/** The text of an HTML body. */
import { describe, expect, test } from 'vitest'
import { textOfHtml } from '../../src/mapping/html.ts'

describe('HTML is read as a person would read it', () => {
  for (const [html, text] of [
    ['<p>Wherefore art thou, <b>Romeo</b>?</p>', 'Wherefore art thou, Romeo?'],
    ['one<br>two<br/>three', 'one\ntwo\nthree'],
    ['<p>first</p><p>second</p>', 'first\nsecond'],
    ['<ul><li>bread</li><li>wine</li></ul>', '• bread\n• wine'],
    ['  many\n\n   spaces\tare  one ', 'many spaces are one'],
    ['<pre>as  it\n  is</pre>', 'as  it\n  is'],
    ['a &lt; b &amp;&amp; c &gt; d &quot;e&quot; &#39;f&#x27; &euro;&nbsp;5', 'a < b && c > d "e" \'f\' € 5'],
    ['&unknown; &#0; &#xd800; &#x110000;', '&unknown; \ufffd \ufffd \ufffd'],
    ['&amp;lt;', '&lt;'],
    ['1 < 2 and 3 > 2', '1 < 2 and 3 > 2'],
    ['<!-- secret --><!DOCTYPE html>shown', 'shown'],
    ['<head><title>T</title></head><style>p{color:red}</style><script>if (a < b) alert("</p>")</script>shown', 'shown'],
    ['<a href="https://example.org/?a=1&amp;b=2">the page</a>', 'the page <https://example.org/?a=1&b=2>'],
    ['<a href="https://example.org/">https://example.org/</a>', 'https://example.org/'],
    ['<a href="mailto:romeo@example.net">romeo@example.net</a>', 'romeo@example.net'],
    ['<a href="/relative">here</a>', 'here'],
    ['<img src="x.png" alt="a cat"> sat', 'a cat sat'],
    ['<span title="a > b">shown</span>', 'shown'],
    ['<table><tr><td>1</td><td>2</td></tr><tr><td>3</td><td>4</td></tr></table>', '1 2\n 3 4'.replace('\n ', '\n')],
    ['cut off <b', 'cut off'],
    ['', ''],
  ] as const) {
    test(JSON.stringify(html), () => expect(textOfHtml(html)).toBe(text))
  }
})

describe('HTML made to take long does not', () => {
  for (const [what, html] of [
    ['scripts that never end', '<script>'.repeat(30_000)],
    ['ends of scripts without a bracket', `<script>${'</script'.repeat(30_000)}`],
    ['comments that never end', '<!--'.repeat(60_000)],
    ['tags that never end', '<a '.repeat(80_000)],
    ['small texts between tags', 'x<b>'.repeat(60_000)],
    ['a line of spaces', `<pre>${' '.repeat(250_000)}x</pre>`],
    ['links inside each other', '<a href="x:y">'.repeat(17_000)],
    ['entities that are none', '&'.repeat(250_000)],
  ] as const) {
    test(what, () => {
      const start = performance.now()
      expect(typeof textOfHtml(html)).toBe('string')
      expect(performance.now() - start).toBeLessThan(1_000)
    })
  }
})
