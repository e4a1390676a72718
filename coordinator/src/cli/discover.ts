import { exitCode, QuorateError } from '@quorate/shared/errors'
import { isDnsLabel, isDnsName, isIpAddress, parseEndpoint } from '@quorate/shared/names'
import { plural } from '@quorate/shared/plural'
import { Command } from 'commander'
import { type DiscoverWish, discover } from '../discover/discover.js'
import type { Role } from '../discover/inventory.js'
import type { Machine } from '../discover/sight.js'
import { line } from '../documents/document.js'
import { draft as draftDocument } from '../documents/fleet.js'
import type { CliContext, CommandMaker, CommonOptions } from './context.js'
import { untilStopped } from './until-stopped.js'

interface Options extends CommonOptions {
  readonly kubeconfig?: string
  readonly context?: string
  readonly allowExec?: boolean
  readonly inventory?: string
  readonly group?: readonly string[]
  readonly join?: readonly string[]
  readonly proposeVirtualIp?: boolean
  readonly name?: string
  readonly endpoint?: string
}

const examples = `
Examples:
  quorate discover --kubeconfig ~/.kube/config > cluster.yaml
  quorate discover --kubeconfig ~/.kube/config --join cp2=192.168.13.31 --join cp3=192.168.13.32 > cluster.yaml
  quorate discover --kubeconfig ~/.kube/config --name prod --endpoint apiserver.example.com:8443 --propose-virtual-ip > cluster.yaml
  quorate discover --kubeconfig ~/.kube/config --inventory hosts.ini > cluster.yaml      hosts of kube_control_plane that are no Nodes yet will join
  quorate discover --inventory hosts.yaml --group control-plane=k8s_masters --group worker=k8s_workers > cluster.yaml

Then answer the questions in the file ("?"), and run: quorate plan -f cluster.yaml

From the cluster it reads Nodes, the ConfigMaps kubeadm-config and kube-proxy, and the pods of kube-system on control planes. The user of the kubeconfig
must be allowed to list nodes; what else may not be read becomes a question. From an inventory it reads the groups kube_control_plane or masters, and
kube_node or workers, with the variables ip and ansible_host. It does not read group_vars and host_vars.`

const collect = (value: string, before: readonly string[] = []): readonly string[] => [...before, value]

export const makeCommand: CommandMaker = (context, finish) =>
  new Command('discover')
    .description(
      'Reads a running cluster, an Ansible inventory, or both, and prints a draft of the cluster file. Each line says where its value comes from; a value ' +
        'that only you know is "?" with a question. Reads only: nothing is changed, no file is written.',
    )
    .option('--kubeconfig <file>', 'kubeconfig of the cluster; only its API server is asked')
    .option('--context <name>', 'context of the kubeconfig, if not its current-context')
    .option('--allow-exec', 'run the program that the kubeconfig names for its credentials')
    .option('--inventory <file>', 'Ansible inventory, INI or YAML')
    .option('--group <role=group>', 'group of the inventory for control-plane or worker; can be repeated', collect)
    .option('--join <name=address>', 'machine that will become a control plane; can be repeated', collect)
    .option('--name <name>', 'what the cluster is called: lower-case letters, digits and dashes')
    .option('--endpoint <name:port>', 'DNS name and port that all clients will use')
    .option(
      '--propose-virtual-ip',
      'propose an unused address near the first control plane; tries TCP connections to find one',
    )
    .addHelpText('after', examples)
    .action(async (_options, command: Command) => {
      finish(await printDraft(context, command.optsWithGlobals<Options>()))
    })

async function printDraft(context: CliContext, options: Options): Promise<number> {
  const { terminal } = context
  const wish = wishOf(options)
  const late = setTimeout(
    () => terminal.err(`Reading ${[wish.kubeconfig, wish.inventory].filter(Boolean).join(', ')} ...\n`),
    1_000,
  )
  const draft = await untilStopped(context, (signal) => discover(wish, signal)).finally(() => clearTimeout(late))
  if (draft === undefined) return exitCode.interrupted
  if (options.output === 'json') terminal.out(line(draftDocument, draft))
  else {
    terminal.out(draft.clusterFile)
    const count = draft.questions.length
    terminal.err(
      count === 0
        ? 'The file is complete. Next: quorate plan -f cluster.yaml\n'
        : `${plural(count, 'question')} left: search the file for "?". Then: quorate plan -f cluster.yaml\n`,
    )
  }
  return exitCode.done
}

function wishOf(options: Options): DiscoverWish {
  const { kubeconfig, context, inventory, allowExec = false, proposeVirtualIp = false, group = [], join = [] } = options
  const { name, endpoint } = options
  if (kubeconfig === undefined && (context !== undefined || allowExec))
    throw new QuorateError('USAGE', `${allowExec ? '--allow-exec' : '--context'} requires --kubeconfig`)
  if (inventory === undefined && group.length > 0) throw new QuorateError('USAGE', '--group requires --inventory')
  return {
    ...{ kubeconfig, context, inventory, allowExec, proposeVirtualIp },
    answers: {
      name: name === undefined ? undefined : nameOf(name),
      endpoint: endpoint === undefined ? undefined : endpointOf(endpoint),
    },
    groups: group.map(groupOf),
    joins: join.map(joinOf),
  }
}

function groupOf(text: string): { readonly role: Role; readonly group: string } {
  const [, role, group] = /^(control-plane|worker)=(\S+)$/.exec(text) ?? []
  if ((role === 'control-plane' || role === 'worker') && group !== undefined) return { role, group }
  throw new QuorateError('USAGE', `--group ${JSON.stringify(text)} is not ROLE=GROUP`, {
    remedy: 'Write --group control-plane=GROUP or --group worker=GROUP.',
  })
}

function joinOf(text: string): Machine {
  const [name = '', ...rest] = text.split('=')
  const address = rest.join('=')
  if (isDnsName(name) && isIpAddress(address)) return { name, address, from: '--join' }
  throw new QuorateError('USAGE', `--join ${JSON.stringify(text)} is not NAME=ADDRESS`, {
    remedy: 'Write the name that the Node will have and its IP address: --join cp2.example.com=192.168.13.31.',
  })
}

function nameOf(text: string): string {
  if (isDnsLabel(text)) return text
  throw new QuorateError('USAGE', `--name ${JSON.stringify(text)} is not a name of a cluster`, {
    remedy: 'Write lower-case letters, digits and dashes: --name prod.',
  })
}

function endpointOf(text: string): string {
  if (parseEndpoint(text) !== undefined) return text
  throw new QuorateError('USAGE', `--endpoint ${JSON.stringify(text)} is not NAME:PORT`, {
    remedy: 'Write the DNS name and the port that all clients will use: --endpoint apiserver.example.com:8443.',
  })
}
