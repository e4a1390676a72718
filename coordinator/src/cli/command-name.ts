import type { Command } from 'commander'

/** `convert`, `root rotate`: a command as it is typed, without its arguments. `verify --fix` is another command than `verify`, `deploy --check` than `deploy`. */
export function nameOf(command: Command): string {
  const { parent } = command
  const name = parent?.parent ? `${parent.name()} ${command.name()}` : command.name()
  if (name === 'deploy' && command.opts()['check'] === true) return 'deploy --check'
  return name === 'verify' && command.opts()['fix'] === true ? 'verify --fix' : name
}

/** All that can be typed, with what may follow each name: groups such as `root` are no commands. */
export function commandsOf(program: Command): readonly Command[] {
  return program.commands.flatMap((command) => (command.commands.length === 0 ? [command] : command.commands))
}
