/** The tree every room passes on. */
import { expect, test } from 'vitest'
import { detached } from '../../src/xml/detached.ts'
import { el } from '../../src/xml/element.ts'
import { parseElement } from '../../src/xml/parse-element.ts'

const MESSAGE = el(
  'message',
  'jabber:client',
  { to: 'a', id: undefined, type: 'chat' },
  el('body', 'jabber:client', {}, 'one'),
  el('x', 'u'),
  'two',
)

test('attributes without a value are left out', () => {
  expect(MESSAGE.attrs).toEqual(['to', 'a', 'type', 'chat'])
  expect(MESSAGE.attr('id')).toBeUndefined()
})

test('a child is found by its name and its namespace, its parent’s unless another is given', () => {
  expect(MESSAGE.child('body')?.text()).toBe('one')
  expect(MESSAGE.child('x')).toBeUndefined()
  expect(MESSAGE.child('x', 'u')?.is('x', 'u')).toBe(true)
  expect(MESSAGE.firstElement()?.name).toBe('body')
  expect(MESSAGE.elements().map((element) => element.name)).toEqual(['body', 'x'])
  expect(el('a', '').firstElement()).toBeUndefined()
})

test('text is all character data directly inside', () => {
  expect(MESSAGE.text()).toBe('two')
  expect(parseElement('<a>x<b>y</b>z</a>').text()).toBe('xz')
  expect(el('a', '').text()).toBe('')
})

test('an attribute is set in its place, added at the end or taken away, in a copy', () => {
  expect(MESSAGE.withAttr('to', 'b').attrs).toEqual(['to', 'b', 'type', 'chat'])
  expect(MESSAGE.withAttr('from', 'c').attrs).toEqual(['to', 'a', 'type', 'chat', 'from', 'c'])
  expect(MESSAGE.withAttr('to', undefined).attrs).toEqual(['type', 'chat'])
  expect(MESSAGE.withAttr('to', undefined).children).toBe(MESSAGE.children)
  expect(MESSAGE.attr('to')).toBe('a')
})

test('a tree that is kept for long is an equal tree', () => {
  const xml = `<message to='${'é'.repeat(20)}' a='b'><body>${'text '.repeat(20)}</body>${'tail 😀 '.repeat(5)}</message>`
  expect(detached(parseElement(xml))).toEqual(parseElement(xml))
})

test('a tree that is kept for long does not keep the chunk it came in', async () => {
  const kept = []
  const before = await heap()
  for (let i = 0; i < 2_000; i++)
    kept.push(detached(parseElement(`<a b='${'x'.repeat(20)}${i}'><c>${'y'.repeat(8_000)}</c></a>`).withChildren([])))
  expect((await heap()) - before).toBeLessThan(2_000 * 1_000)
  expect(kept).toHaveLength(2_000)
})

async function heap(): Promise<number> {
  const { setFlagsFromString } = await import('node:v8')
  const { runInNewContext } = await import('node:vm')
  setFlagsFromString('--expose-gc')
  runInNewContext('gc')()
  return process.memoryUsage().heapUsed
}
