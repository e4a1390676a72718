import { Command, InvalidArgumentError } from 'commander'
import type { CommandMaker, ServeOptions } from './context.js'

function leastApprovals(text: string): number {
  const number = Number(text)
  if (Number.isInteger(number) && number >= 0 && number <= 5) return number
  throw new InvalidArgumentError('Use 0 to 5.')
}

export const makeCommand: CommandMaker = ({ terminal, serve, onStop }) =>
  new Command('serve')
    .description(
      'Serves REST (OpenAPI 3.1) to plan, start, list, read and follow runs, and to read nodes and health; on loopback by default. ' +
        'Converts a worker that was missing from a run when its agent answers again. ' +
        'Every request needs the token or, with TLS, a client certificate of the fleet. Ctrl-C first stops runs at a safe place.',
    )
    .option(
      '--listen <address:port|unix:/path>',
      'where to listen; any address but loopback and a socket is served with TLS',
      '127.0.0.1:7446',
    )
    .option('--token-file <file>', 'file with the bearer token; created if missing (default: in the state folder)')
    .option(
      '--approvals <number>',
      'approvals that every run of this server needs at least, whatever its cluster file says; 0 to 5',
      leastApprovals,
    )
    .option(
      '--enroll-listen <address:port>',
      'also let nodes join with a token (`quorate token node`) at this address: one route, TLS; closed unless given',
    )
    .option('--tls', 'serve TLS on loopback too; accepts client certificates of the fleet')
    .addHelpText(
      'after',
      '\nExamples:\n  quorate serve\n  quorate serve --listen unix:/run/quorate/rest.sock\n  curl -H "Authorization: Bearer $(cat /var/lib/quorate/rest/token)" http://127.0.0.1:7446/v1/runs',
    )
    .action(async (_options, command: Command) => {
      const stopped = new Promise<void>((resolve) => onStop(resolve))
      const served = await serve(command.optsWithGlobals<ServeOptions>())
      terminal.err(`Serving ${served.url}; the token is in ${served.tokenFile}.\n`)
      if (served.enrollUrl !== undefined) terminal.err(`Nodes join with a token at ${served.enrollUrl}.\n`)
      await stopped
      await served.close()
    })
