/** A promise that a test keeps when it likes. (Promise.withResolvers is not in Node 20.) */
export class Promised<T> {
  resolve: (value: T) => void = () => {}
  reject: (cause: unknown) => void = () => {}
  readonly promise: Promise<T>

  constructor() {
    this.promise = new Promise((resolve, reject) => {
      this.resolve = resolve
      this.reject = reject
    })
  }
}
