import { createReadStream } from 'node:fs'
import { QuorateError } from '@quorate/shared/errors'
import { Command } from 'commander'
import { linesOf } from '../failures/lines.js'
import { recognise } from '../failures/recognise.js'
import type { CliContext, CommandMaker, CommonOptions } from './context.js'
import { explanationJson, explanationText } from './render/explanation.js'
import { makeStyle } from './render/style.js'

const examples = `
Examples:
  journalctl -u kubelet | quorate explain
  kubeadm join ... 2>&1 | tee join.log; quorate explain join.log
  crictl logs $(crictl ps -a --name etcd -q) 2>&1 | quorate explain -o json`

export const makeCommand: CommandMaker = (context) =>
  new Command('explain')
    .description(
      'Reads a log of kubeadm, etcd, kubelet, kube-apiserver, containerd, haproxy or keepalived, and shows the cause and the fix of each known message.\nSends nothing anywhere.',
    )
    .argument('[file]', 'log file; default: standard input')
    .addHelpText('after', examples)
    .action(async (file: string | undefined, _options, command: Command) => {
      const { output } = command.optsWithGlobals<CommonOptions>()
      const { terminal } = context
      const explained = await recognise(linesOf(bytesOf(context, file)))
      terminal.out(
        output === 'json' ? explanationJson(explained) : explanationText(explained, makeStyle(terminal.coloured)),
      )
    })

async function* bytesOf({ terminal, input }: CliContext, file: string | undefined): AsyncIterable<Uint8Array> {
  if (file === undefined || file === '-') {
    if (terminal.canAsk) terminal.err('Reading standard input; end it with Ctrl-D.\n')
    return yield* input()
  }
  try {
    yield* createReadStream(file)
  } catch (error) {
    throw new QuorateError('USAGE', `the log cannot be read: ${(error as Error).message}`, {
      where: file,
      remedy: 'Name a readable file, or use standard input: quorate explain < FILE',
    })
  }
}
