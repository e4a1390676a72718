import { QuorateError } from '@quorate/shared/errors'
import { Command } from 'commander'
import { enrolBundle } from '../state/enroll-bundle.js'
import { statePaths } from '../state/paths.js'
import type { CommandMaker, CommonOptions } from './context.js'

interface Options extends CommonOptions {
  readonly address: string
  readonly bundle?: string
}

export const enrollCommand: CommandMaker = ({ terminal }) =>
  new Command('enroll')
    .summary("make a node's identity")
    .description(
      'Issues the identity of one node: agent.yaml, node.crt, node.key and fleet-ca.crt, for its /etc/quorate.\n' +
        'Run it again for a new certificate. NODE is the name that `kubectl get nodes` shows; for a machine to join, its hostname.',
    )
    .argument('<node>', "the node's name")
    .requiredOption('--address <host[:port]>', 'where this machine reaches the agent; port 7445 unless given')
    .option('--bundle <dir>', 'folder that receives the identity')
    .addHelpText(
      'after',
      '\nExamples:\n  quorate enroll k8smaster2.example.com --address 192.168.13.31 --bundle ./k8smaster2\n  scp -r ./k8smaster2/. root@192.168.13.31:/etc/quorate/',
    )
    .action(async (node: string, _options, command: Command) => {
      const { state, output, address, bundle } = command.optsWithGlobals<Options>()
      if (bundle === undefined) {
        throw new QuorateError('USAGE', 'this version does not enrol nodes over the network', {
          remedy: `Add --bundle ./${node}, then carry that folder to /etc/quorate on the node.`,
        })
      }
      const files = await enrolBundle(statePaths(state), { node, address, bundle })
      if (output === 'json') return terminal.out(`${JSON.stringify({ node, address, files })}\n`)
      terminal.out(
        `Wrote ${files.join(', ')}.\n\nNext, carry them to the node and start its agent:\n` +
          `  scp -r ${bundle}/. root@${address.replace(/:\d+$/, '')}:/etc/quorate/\n` +
          '  systemctl enable --now quorate-agent      (on the node)\n' +
          `Then remove ${bundle}: it holds the node's private key. \`quorate nodes\` shows whether it answers.\n`,
      )
    })
