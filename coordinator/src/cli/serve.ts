import { Command } from 'commander'
import type { CommandMaker, ServeOptions } from './context.js'

export const serveCommand: CommandMaker = ({ terminal, serve, onStop }) =>
  new Command('serve')
    .summary('REST and event stream')
    .description(
      'Serves plan, start, list, read and follow of runs, nodes and health over REST (OpenAPI 3.1), on loopback unless told otherwise.\n' +
        'A worker that a run went on without is converted when its agent answers again.\n' +
        'Every request needs the token, or where TLS is served a client certificate of the fleet. Ctrl-C lets runs come to a safe place first.',
    )
    .option(
      '--listen <address:port|unix:/path>',
      'where to listen; anything but loopback and a socket is served with TLS',
      '127.0.0.1:7446',
    )
    .option(
      '--token-file <file>',
      'file with the bearer token, made where there is none (default: in the state folder)',
    )
    .option('--tls', 'serve TLS on loopback too, and accept client certificates of the fleet')
    .addHelpText(
      'after',
      '\nExamples:\n  quorate serve\n  quorate serve --listen unix:/run/quorate/rest.sock\n  curl -H "Authorization: Bearer $(cat /var/lib/quorate/rest/token)" http://127.0.0.1:7446/v1/runs',
    )
    .action(async (_options, command: Command) => {
      const stopped = new Promise<void>((resolve) => onStop(resolve))
      const served = await serve(command.optsWithGlobals<ServeOptions>())
      terminal.err(`Serving ${served.url}; the token is in ${served.tokenFile}.\n`)
      await stopped
      await served.close()
    })
