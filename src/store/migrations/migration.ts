/** One step of the schema, forward only: once it has been released it is never changed, another is added. */
export interface Migration {
  /** From 1, without gaps; the database keeps the last one as its user_version. */
  readonly number: number
  readonly sql: string
}
