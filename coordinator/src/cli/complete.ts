import type { Argument, Command, Option } from 'commander'

/** What may stand at the cursor. */
export interface Candidates {
  readonly words: readonly Candidate[]
  /** Names of files as well, which the shell knows itself. */
  readonly files: boolean
}

export interface Candidate {
  readonly word: string
  /** Its one-line help; empty for names. */
  readonly says: string
}

/** Names that only a state folder knows; an empty list where there is none. */
export interface Names {
  runs(): Promise<readonly string[]>
  nodes(): Promise<readonly string[]>
}

/**
 * What may follow a command line of this program, from the command tree alone: `words` are those after the program's name, the last one is being
 * typed and may be empty.
 */
export async function candidates(program: Command, words: readonly string[], names: Names): Promise<Candidates> {
  const typed = words.at(-1) ?? ''
  const { command, waiting, positional } = read(program, words.slice(0, -1))
  if (waiting !== undefined) return startingWith(typed, await valuesOf(waiting, names))
  const assigned = /^(--[a-z-]+)=(.*)$/s.exec(typed)
  if (assigned !== null) {
    const [, long = '', value = ''] = assigned
    const option = optionsOf(command).find((one) => one.long === long)
    if (option === undefined) return nothing
    const { words: found, files } = startingWith(value, await valuesOf(option, names))
    return { words: found.map(({ word, says }) => ({ word: `${long}=${word}`, says })), files }
  }
  if (typed.startsWith('-')) return startingWith(typed, { words: optionsOf(command).flatMap(flagsOf), files: false })
  const subcommands = positional > 0 ? [] : command.commands.filter((one) => !isHidden(one))
  const own = subcommands.map((one) => ({ word: one.name(), says: one.summary() }))
  const argument =
    command.registeredArguments[positional] ?? command.registeredArguments.findLast((one) => one.variadic)
  const values = argument === undefined ? nothing : await valuesOf(argument, names)
  return startingWith(typed, { words: [...own, ...values.words], files: values.files })
}

/** What help calls files and folders; `cluster.yaml` is one by its dot. */
const fileNames: readonly string[] = ['file', 'files', 'dir', 'folder', 'path', 'kubeconfig', 'inventory']

const nothing: Candidates = { words: [], files: false }

interface Place {
  readonly command: Command
  /** An option whose value is the next word. */
  readonly waiting: Option | undefined
  /** How many arguments the command has already. */
  readonly positional: number
}

/** Where words that are complete lead to. */
function read(program: Command, words: readonly string[]): Place {
  let [command, positional] = [program, 0]
  let waiting: Option | undefined
  for (const word of words) {
    if (waiting !== undefined && !(waiting.variadic && word.startsWith('-'))) {
      if (!waiting.variadic) waiting = undefined
      continue
    }
    waiting = undefined
    if (word.startsWith('-')) {
      const option = optionsOf(command).find(({ short, long }) => word === short || word === long)
      if (option?.required || option?.optional) waiting = option
      continue
    }
    const next = positional === 0 ? command.commands.find((one) => one.name() === word) : undefined
    if (next === undefined) positional += 1
    else command = next
  }
  return { command, waiting, positional }
}

/** Of a command and of all above it, which it takes too. */
function optionsOf(command: Command): readonly Option[] {
  const chain: Command[] = []
  for (let one: Command | null = command; one !== null; one = one.parent) chain.push(one)
  return chain.flatMap(({ options }) => options.filter(({ hidden }) => !hidden))
}

const flagsOf = ({ long, short, description }: Option): Candidate[] =>
  [long, short].flatMap((flag) => (flag === undefined || flag === null ? [] : [{ word: flag, says: description }]))

/** What a value can be, by its choices or by the name that its help gives it. */
async function valuesOf(place: Option | Argument, names: Names): Promise<Candidates> {
  const { argChoices } = place
  if (argChoices !== undefined) return { words: argChoices.map(named), files: false }
  const name = 'flags' in place ? (/[<[]([^>\]]+)/.exec(place.flags)?.[1] ?? '').replace(/\.\.\.$/, '') : place.name()
  if (name.includes('.') || fileNames.includes(name)) return { words: [], files: true }
  if (name === 'run') return { words: (await names.runs()).map(named), files: false }
  if (['node', 'nodes', 'name'].includes(name)) return { words: (await names.nodes()).map(named), files: false }
  return nothing
}

const named = (word: string): Candidate => ({ word, says: '' })

const startingWith = (typed: string, { words, files }: Candidates): Candidates => ({
  words: words.filter(({ word }) => word.startsWith(typed)),
  files,
})

/** commander has no other way to ask. */
const isHidden = (command: Command): boolean => (command as unknown as { readonly _hidden?: boolean })._hidden === true
