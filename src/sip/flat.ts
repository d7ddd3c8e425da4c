/**
 * A string that holds on to nothing but itself. What is cut out of a message is a slice of it to V8, and what is put together of slices points at them: a key of forty
 * characters kept for half a minute keeps a message of sixty thousand. Whoever keeps text of a message for longer than the message keeps this.
 */
export function flat(text: string): string {
  // What is shorter than 13 characters V8 copies by itself.
  return text.length < 13 ? text : Buffer.from(text).toString()
}
