import { resolve } from 'node:path'
import { parseRunId } from '@quorate/shared/names'
import { parseNodeToken } from '@quorate/shared/node-token'
import { version } from '@quorate/shared/version'
import { Command } from 'commander'
import { parseCoordinator, readToken } from './host/join-arguments.js'
import { LinuxHost } from './host/linux-host.js'
import { install } from './install/install.js'
import { join } from './install/join.js'
import { keptBackups, openBackup } from './kept-backups.js'

const configPath = '/etc/quorate/agent.yaml'

/** The command line of an agent; `serve` serves with the agent.yaml that it is given. */
export function makeProgram(serve: (config: string) => Promise<void>): Command {
  const program = new Command('quorate-agent')
    .description("Named operations on this node, for the coordinator of this node's fleet.")
    .version(version)

  program
    .command('serve')
    .description('serve operations by gRPC with mutual TLS until SIGTERM')
    .option('--config <file>', 'agent.yaml; certificates lie beside it', configPath)
    .action(({ config }: { config: string }) => serve(resolve(config)))

  addBackupCommands(program)
  addArrivalCommands(program)
  return program
}

function addBackupCommands(program: Command): void {
  program
    .command('backups')
    .description(
      'list what this node keeps of runs, encrypted: files as they were before, and the etcd snapshot. For root; no agent has to run',
    )
    .option('--config <file>', 'agent.yaml', configPath)
    .action(async ({ config }: { config: string }) => {
      for (const { run, name } of await keptBackups(resolve(config))) process.stdout.write(`${run}  ${name}\n`)
    })

  program
    .command('open-backup')
    .description('decrypt one of them into a new file that only root can read. For root; no agent has to run')
    .argument('<run>', 'id of the run')
    .argument(
      '<name>',
      'as `quorate-agent backups` shows it: etcd-snapshot, or a path such as /etc/kubernetes/admin.conf',
    )
    .requiredOption('--to <file>', 'a file that does not exist yet; delete it afterwards')
    .option('--config <file>', 'agent.yaml', configPath)
    .addHelpText(
      'after',
      '\nExamples:\n  quorate-agent backups\n  quorate-agent open-backup 20261130t101112-abc123 etcd-snapshot --to /root/etcd.snapshot',
    )
    .action(async (run: string, name: string, { to, config }: { to: string; config: string }) => {
      const bytes = await openBackup(resolve(config), { run: parseRunId(run), name }, resolve(to))
      process.stdout.write(`Wrote ${bytes} bytes to ${resolve(to)}.\n`)
    })
}

/** By which an agent comes onto a node. */
function addArrivalCommands(program: Command): void {
  program
    .command('install')
    .description('what `quorate deploy` runs on this node: does the job of a stream that it unpacked here')
    .requiredOption('--from <dir>', 'folder with the stream, as the node sees it')
    .option('--root <dir>', 'the folder in which the paths of the node begin', '/')
    .action(async ({ from, root }: { from: string; root: string }) => {
      const answer = await install({ host: new LinuxHost(resolve(root)), from })
      process.stdout.write(`${JSON.stringify(answer)}\n`)
      process.exitCode = answer.ok ? 0 : 1
    })

  program
    .command('join')
    .description(
      'join the fleet of a token (`quorate token node`): makes a key, has it certified, starts the agent. For root; run again after a failure',
    )
    .argument('<coordinator>', 'ADDRESS:PORT of `quorate serve --enroll-listen`')
    .requiredOption('--token-file <file>', 'file with the token; `-` reads standard input')
    .option('--root <dir>', 'the folder in which the paths of the node begin', '/')
    .addHelpText('after', '\nExample:\n  quorate-agent join 192.168.13.10:7447 --token-file /run/join.token')
    .action(async (coordinator: string, { tokenFile, root }: { tokenFile: string; root: string }) => {
      const place = parseCoordinator(coordinator)
      const token = parseNodeToken(await readToken(tokenFile), tokenFile)
      const { node, already } = await join(new LinuxHost(resolve(root)), { coordinator: place, token })
      process.stdout.write(
        already
          ? `${node} has joined already: nothing was changed.\n`
          : `${node} has joined; its agent starts (systemctl status quorate-agent).\n`,
      )
    })
}
