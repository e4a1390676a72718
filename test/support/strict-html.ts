/** Elements and attributes that a report is made of; nothing that runs or fetches is among them. */
const elements =
  'html head meta link title style body main header footer section nav h1 h2 h3 p a strong small span code pre ins del dl dt dd div ul ol li table caption thead tbody tr th td figure figcaption details summary svg rect line path text desc'
const attributes =
  'lang charset http-equiv content name rel href id class aria-label aria-labelledby aria-hidden role scope data-label tabindex open height width x y x1 x2 y1 y2 rx d viewBox text-anchor'
const known = { elements: new Set(elements.split(' ')), attributes: new Set(attributes.split(' ')) }

/** What in a page is not markup of the report's own; empty when all of it is. A `<` that begins anything else is an escape that failed. */
export function foreignMarkup(page: string): readonly string[] {
  const [style = ''] = /<style>[^<]*<\/style>/.exec(page) ?? []
  const rest = page.replace('<!doctype html>', '').replace(style, '')
  const tags = [...rest.matchAll(/<[^>]*>?/g)].map(([tag]) => tag)
  return tags.flatMap((tag) => {
    const [, name = '', inner = ''] = /^<\/?([a-zA-Z0-9]+)((?: [a-zA-Z0-9-]+(?:="[^"<>]*")?)*)\/?>$/.exec(tag) ?? []
    if (!known.elements.has(name)) return [tag]
    const used = [...inner.matchAll(/ ([a-zA-Z0-9-]+)(?:="([^"]*)")?/g)]
    return used.some(([, key = '', value = '']) => !known.attributes.has(key) || (key === 'href' && !isInside(value)))
      ? [tag]
      : []
  })
}

const isInside = (href: string): boolean => href.startsWith('#') || href === 'data:,'

/** Ids that occur twice, and links that lead to none. */
export function brokenLinks(page: string): readonly string[] {
  const ids = [...page.matchAll(/ id="([^"]*)"/g)].map(([, id = '']) => id)
  const links = [...page.matchAll(/ href="#([^"]*)"/g)].map(([, id = '']) => id)
  return [...ids.filter((id, index) => ids.indexOf(id) !== index), ...links.filter((id) => !ids.includes(id))]
}

export const hostile = [
  '<script>alert(1)</script>',
  '"><img src=x onerror=alert(1)>',
  "' onmouseover='alert(1)",
  '</style><style>*{background:url(https://evil.example/)}',
  '</title></pre></svg><iframe src=javascript:alert(1)>',
  '<!-- <![CDATA[ &lt;b&gt; &#60;b&#62;',
  'javascript:alert(1)',
  '{{constructor}}`',
  '\u202egnp.exe\u2066\u0000\u001b[2J\ud800',
]
