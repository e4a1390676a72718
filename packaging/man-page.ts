import type { EventEmitter } from 'node:events'
import type { Argument, Command, Option } from 'commander'

export interface ManPageOf {
  /** 1 for users, 8 for administrators. */
  readonly section: 1 | 8
  /** `2026-11-30`: the day of the release, not of the build. */
  readonly day: string
  readonly version: string
  /** Other pages, with their sections. */
  readonly seeAlso: readonly (readonly [name: string, section: number])[]
}

/**
 * The manual page of a program, in the man(7) macros, made from its command tree: what `--help` says of the program and of each of its commands.
 */
export function manPage(program: Command, { section, day, version, seeAlso }: ManPageOf): string {
  const name = program.name()
  return [
    `.TH ${name.toUpperCase()} ${section} ${day} "${name} ${version}"`,
    ...heading('NAME', `${escaped(name)} \\- ${escaped(firstSentence(program.description()))}`),
    ...heading('SYNOPSIS', `.B ${escaped(name)}\n[options] command [arguments]`),
    ...heading('DESCRIPTION', paragraph(program.description())),
    ...heading('OPTIONS', optionsOf(program)),
    ...heading('COMMANDS', ''),
    ...leaves(program).flatMap((command) => commandPart(command, name)),
    ...notes(program),
    ...heading('SEE ALSO', seeAlso.map(([other, where]) => `.BR ${escaped(other)} (${where})`).join(',\n')),
    '',
  ].join('\n')
}

/** Commands that can be typed: groups and what is hidden are none. */
function leaves(command: Command): readonly Command[] {
  return command.commands.flatMap((one) => (one.commands.length === 0 ? [one] : leaves(one))).filter(isShown)
}

/** commander has no other way to ask. */
const isShown = (command: Command): boolean => (command as unknown as { readonly _hidden?: boolean })._hidden !== true

function commandPart(command: Command, program: string): string[] {
  const said = command.description() || command.summary()
  return [
    `.SS ${escaped(`${pathOf(command, program)}${argumentsOf(command)}`)}`,
    paragraph(said),
    ...command.registeredArguments.map(argumentPart),
    optionsOf(command),
    literal(addedHelp(command)),
  ].filter((text) => text !== '')
}

function pathOf(command: Command, program: string): string {
  const names: string[] = []
  for (let one: Command | null = command; one !== null && one.name() !== program; one = one.parent)
    names.unshift(one.name())
  return [program, ...names].join(' ')
}

const argumentsOf = (command: Command): string => command.registeredArguments.map((one) => ` ${written(one)}`).join('')

const written = (argument: Argument): string => {
  const name = `${argument.name()}${argument.variadic ? '...' : ''}`
  return argument.required ? `<${name}>` : `[${name}]`
}

const argumentPart = (argument: Argument): string => item(written(argument), argument.description)

const optionsOf = (command: Command): string =>
  command.options
    .filter(({ hidden }) => !hidden)
    .map((option) => item(option.flags, describedBy(option)))
    .join('\n')

function describedBy({ description, argChoices, defaultValue }: Option): string {
  const more = [
    ...(argChoices === undefined ? [] : [`one of ${argChoices.join(', ')}`]),
    ...(typeof defaultValue === 'string' && defaultValue !== '' ? [`default: ${defaultValue}`] : []),
  ]
  return more.length === 0 ? description : `${description} (${more.join('; ')})`
}

/** What `--help` adds at its end: examples, roles, exit codes. */
function addedHelp(command: Command): string {
  let added = ''
  const write = (text: string): void => {
    added += text
  }
  // commander is an EventEmitter, which its types do not say.
  const events = command as unknown as EventEmitter
  events.emit('afterHelp', { error: false, command, write })
  return added.trim()
}

const notes = (program: Command): string[] => {
  const text = addedHelp(program)
  return text === '' ? [] : heading('NOTES', literal(text))
}

/** Lines stay as they are. */
const literal = (text: string): string => (text === '' ? '' : `.PP\n.nf\n${escaped(text)}\n.fi`)

const item = (term: string, text: string): string => `.TP\n.B ${escaped(term)}\n${escaped(text)}`
const heading = (title: string, text: string): string[] => [`.SH ${title}`, ...(text === '' ? [] : [text])]
const paragraph = (text: string): string =>
  text
    .split(/\n{2,}/)
    .map(escaped)
    .join('\n.PP\n')
const firstSentence = (text: string): string => (/^.*?[.:](?=\s|$)/s.exec(text)?.[0] ?? text).replace(/[.:]$/, '')

/** Hyphens that are typed stay hyphens (man-pages(7)); a line must not begin with a control character. */
const escaped = (text: string): string =>
  text
    .replaceAll('\\', '\\e')
    .replaceAll('-', '\\-')
    .replaceAll(/^(?=[.'])/gm, '\\&')
