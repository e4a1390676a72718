/** Where a command writes and whom it asks; main.ts makes it from the process, tests from strings. */
export interface Terminal {
  out(text: string): void
  err(text: string): void
  /** Standard output is a terminal that can be redrawn. */
  readonly live: boolean
  readonly coloured: boolean
  /** A person is there to answer: standard input and error are a terminal. */
  readonly canAsk: boolean
  size(): { readonly columns: number; readonly rows: number }
  /** One line from the person. */
  ask(question: string): Promise<string>
}
