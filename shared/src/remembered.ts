/** Longer texts are read each time: a few of them would hold more memory than their reading costs. */
const longest = 65_536

/**
 * A reader of texts that remembers what it made of the last ones, by their content: a gate reads the same manifests several times a second.
 * For readers whose result depends on nothing but the text (a place only names it in an error); it is shared, and must not be changed.
 * A text that cannot be read is read again.
 */
export function remembered<Read, Place extends readonly unknown[]>(
  read: (text: string, ...place: Place) => Read,
  most = 16,
): (text: string, ...place: Place) => Read {
  const made = new Map<string, Read>()
  return (text, ...place) => {
    const known = made.get(text)
    if (known !== undefined) return known
    const result = read(text, ...place)
    if (text.length > longest) return result
    if (made.size >= most) made.delete(made.keys().next().value as string)
    made.set(text, result)
    return result
  }
}
