/** Lines as they come from a callback, and what the work ends with as the generator's own result. */
export async function* followLines<T>(work: (onLine: (line: string) => void) => Promise<T>): AsyncGenerator<string, T> {
  const waiting: string[] = []
  let wake = (): void => {}
  let ended = false
  const done = work((line) => {
    waiting.push(line)
    wake()
  }).finally(() => {
    ended = true
    wake()
  })
  // Told to whoever awaits the result below; until then it must not count as unhandled.
  done.catch(() => {})
  for (;;) {
    for (let line = waiting.shift(); line !== undefined; line = waiting.shift()) yield line
    if (ended) return await done
    await new Promise<void>((resolve) => {
      wake = resolve
    })
  }
}
