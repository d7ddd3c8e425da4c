/** A header field or URI that is not what its grammar says. The message names the field and is fit for a reason phrase. */
export class SipSyntaxError extends Error {
  override name = 'SipSyntaxError'
}
