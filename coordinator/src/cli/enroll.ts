import { QuorateError } from '@quorate/shared/errors'
import { Command } from 'commander'
import { line } from '../documents/document.js'
import { enrolled } from '../documents/fleet.js'
import { enrolBundle } from '../state/enroll-bundle.js'
import { statePaths } from '../state/paths.js'
import type { CommandMaker, CommonOptions } from './context.js'

interface Options extends CommonOptions {
  readonly address: string
  readonly bundle?: string
}

export const makeCommand: CommandMaker = ({ terminal }) =>
  new Command('enroll')
    .description(
      'Issues the identity of one node: agent.yaml, node.crt, node.key and fleet-ca.crt, for its /etc/quorate. ' +
        'Run it again to renew the certificate. NODE is the name that `kubectl get nodes` shows; for a machine that is to join, its hostname.',
    )
    .argument('<node>', 'node name')
    .requiredOption('--address <host[:port]>', 'address at which this machine reaches the agent; default port: 7445')
    .option('--bundle <dir>', 'the folder to write the identity to')
    .addHelpText(
      'after',
      '\nExamples:\n  quorate enroll k8smaster2.example.com --address 192.168.13.31 --bundle ./k8smaster2\n  scp -r ./k8smaster2/. root@192.168.13.31:/etc/quorate/',
    )
    .action(async (node: string, _options, command: Command) => {
      const { state, output, address, bundle } = command.optsWithGlobals<Options>()
      if (bundle === undefined) {
        throw new QuorateError('USAGE', "--bundle DIR is required: the folder to write this node's identity to", {
          remedy: `Add --bundle ./${node}, then copy that folder to /etc/quorate on the node.`,
        })
      }
      const files = await enrolBundle(statePaths(state), { node, address, bundle })
      if (output === 'json') return terminal.out(line(enrolled, { node, address, files }))
      terminal.out(
        `Wrote ${files.join(', ')}.\n\nNext, copy them to the node and start its agent:\n` +
          `  scp -r ${bundle}/. root@${address.replace(/:\d+$/, '')}:/etc/quorate/\n` +
          '  systemctl enable --now quorate-agent      (on the node)\n' +
          `Then delete ${bundle}: it holds the node's private key. Check the agent with \`quorate nodes\`.\n`,
      )
    })
