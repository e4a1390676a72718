/** Where a command writes and asks; main.ts makes it from the process, tests from strings. */
export interface Terminal {
  out(text: string): void
  err(text: string): void
  /** Standard output is a terminal that can redraw. */
  readonly live: boolean
  readonly coloured: boolean
  /** The operator can answer: standard input and error are a terminal. */
  readonly canAsk: boolean
  size(): { readonly columns: number; readonly rows: number }
  /** One line from the operator. */
  ask(question: string): Promise<string>
  /** The same, without showing what is typed; INTERRUPTED on Ctrl-C and Ctrl-D: nothing typed is an answer here. */
  askSecret(question: string): Promise<string>
}
