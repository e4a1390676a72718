const [charWidth, lineHeight, margin] = [7.8, 18, 16]
/** What is kept of a command's output: its beginning, its end, and what tells the story in between. */
const [firstLines, lastLines] = [4, 3]
const colours: Readonly<Record<number, string>> = {
  31: '#f47067',
  32: '#6bc46d',
  33: '#daaa3f',
  34: '#6cb6ff',
  35: '#dcbdfb',
  36: '#76e3ea',
  90: '#768390',
}

interface Style {
  readonly colour?: string | undefined
  readonly bold?: boolean
  readonly dim?: boolean
}

/** A picture of a terminal: `text` has the colours of `tmux capture-pane -e`; prompts are `$ `. `tells`: lines that a shortened output keeps. */
export function terminalSvg(text: string, columns: number, tells: RegExp): string {
  const lines = shortened(colouredEach(text.trimEnd().split('\n')), tells)
  const [width, height] = [Math.ceil(columns * charWidth) + 2 * margin, lines.length * lineHeight + 2 * margin]
  const drawn = lines.map((line, index) => drawnLine(line, margin + (index + 0.75) * lineHeight))
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" role="img" aria-label="Three commands: discover, deploy, convert">
<rect width="100%" height="100%" rx="8" fill="#1c2128"/>
<g font-family="ui-monospace, SFMono-Regular, Menlo, Consolas, monospace" font-size="13" fill="#cdd9e5">
${drawn.join('\n')}
</g>
</svg>
`
}

/** Each line with the colours that the one before left on: a capture writes changes only. */
function colouredEach(lines: readonly string[]): readonly string[] {
  let on = ''
  return lines.map((line) => {
    const coloured = on + line
    const last = [...coloured.matchAll(sequence)].map(([all]) => all)
    on = last.slice(last.lastIndexOf('\u001b[0m') + 1).join('')
    return coloured
  })
}

function shortened(lines: readonly string[], tells: RegExp): readonly string[] {
  const starts = lines.flatMap((line, index) => (plain(line).startsWith('$ quorate') ? [index] : []))
  return starts.flatMap((start, index) => {
    const part = lines.slice(start, starts[index + 1] ?? lines.length).filter((line) => plain(line) !== '$')
    const kept = part.map((line, at) => at < firstLines || at >= part.length - lastLines || tells.test(plain(line)))
    return [...part.flatMap((line, at) => (kept[at] ? [line] : kept[at - 1] ? ['\u001b[90m  ...\u001b[0m'] : [])), '']
  })
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: what a terminal's colours begin with
const sequence = /\u001b\[([\d;]*)m/g

const plain = (line: string): string => line.replace(sequence, '').trimEnd()

function drawnLine(line: string, y: number): string {
  const pieces: string[] = []
  let style: Style = {}
  // The texts between the sequences, and the sequences themselves.
  for (const [index, piece] of line.split(sequence).entries()) {
    if (index % 2 === 1) style = piece.split(';').reduce((now, code) => styled(now, Number(code || 0)), style)
    else if (piece !== '') pieces.push(span(piece, style))
  }
  return `<text x="${margin}" y="${y}">${pieces.join('')}</text>`
}

function styled(style: Style, code: number): Style {
  if (code === 0) return {}
  if (code === 1) return { ...style, bold: true }
  if (code === 2) return { ...style, dim: true }
  if (code === 22) return { colour: style.colour }
  if (code === 39) return { ...style, colour: undefined }
  return colours[code] === undefined ? style : { ...style, colour: colours[code] }
}

function span(text: string, { colour, bold = false, dim = false }: Style): string {
  const escaped = text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll(' ', '\u00a0')
  const attributes = [
    colour === undefined ? '' : ` fill="${colour}"`,
    bold ? ' font-weight="bold"' : '',
    dim ? ' opacity="0.65"' : '',
  ].join('')
  return attributes === '' ? escaped : `<tspan${attributes}>${escaped}</tspan>`
}
