import type { Command } from 'commander'

/** `convert`, `root rotate`: a command as it is typed, without its arguments. `verify --fix` is another command than `verify`. */
export function nameOf(command: Command): string {
  const { parent } = command
  const name = parent?.parent ? `${parent.name()} ${command.name()}` : command.name()
  return name === 'verify' && command.opts()['fix'] === true ? 'verify --fix' : name
}

/** All that can be typed, with what may follow each name: groups such as `root` are no commands. */
export function commandsOf(program: Command): readonly Command[] {
  return program.commands.flatMap((command) => (command.commands.length === 0 ? [command] : command.commands))
}
