/** `npm run lab -- up|convert|shell|kill|down|list`: a cluster of real kubeadm nodes on this machine. */
import { Command, Option } from 'commander'
import { freePrefix, Lab, labNames } from './lab.js'
import { suites } from './machines/rootfs.js'
import { onTerminal, timed } from './machines/shell.js'
import { pieces } from './pieces/all.js'

const program = new Command('npm run lab --')
  .description(
    'Real kubeadm, kubelet, containerd and etcd in systemd-nspawn nodes of one network namespace. Needs root on Debian 12 or later, and Go.',
  )
  .enablePositionalOptions()
  .option('--name <name>', 'which lab; several can run at once', 'lab')

const lab = () => Lab.open(program.opts()['name'])

program
  .command('up')
  .description(
    'boot 3 control planes and the workers; only the first control plane is in the cluster. The first time takes about half an hour, later less than two minutes',
  )
  .option('--kubernetes <version>', 'any release since v1.28 that the Go proxy has', 'v1.37.2')
  .addOption(new Option('--debian <release>', 'of the nodes').choices(suites).default('bookworm'))
  .option('--workers <n>', 'number of workers', '2')
  .option('--with <names...>', `deviations from a default cluster: ${Object.keys(pieces).join(', ')}`, [])
  .option('--bare', 'only the cluster, without agents')
  .action(async (options) => {
    if (process.getuid?.() !== 0) throw new Error('the lab creates network namespaces and machines: run it as root')
    const name: string = program.opts()['name']
    const made = labNames().includes(name)
      ? Lab.open(name)
      : Lab.make(name, {
          version: options.kubernetes,
          workers: Number(options.workers),
          prefix: freePrefix(),
          with: options.with,
          debian: options.debian,
        })
    await timed(`lab ${name}`, async () => {
      await made.up()
      if (options.bare !== true) await made.installAgents()
    })
    console.log(
      `\nThe cluster runs. Its cluster file: ${made.clusterFile}\n  npm run lab -- --name ${name} convert\n  npm run lab -- --name ${name} shell cp1 kubectl get nodes`,
    )
  })

program
  .command('convert')
  .description('run quorate convert on the lab, with the programs in out/; further arguments are passed on')
  .argument('[args...]', 'such as --yes', [])
  .allowUnknownOption()
  .action(async (args: string[]) => {
    process.exitCode = await onTerminal(...lab().quorate(['convert', '-f', lab().clusterFile, ...args]))
  })

program
  .command('quorate')
  .description('run any other quorate command on the lab, such as: quorate verify')
  .argument('<args...>')
  .allowUnknownOption()
  .action(async (args: string[]) => {
    const needsFile = ['plan', 'verify', 'convert'].includes(args[0] ?? '')
    process.exitCode = await onTerminal(...lab().quorate([...args, ...(needsFile ? ['-f', lab().clusterFile] : [])]))
  })

program
  .command('shell')
  .description('run a shell or one program in a node: shell cp1 [program args...]')
  .argument('<node>')
  .argument('[argv...]', 'the program', ['bash'])
  .passThroughOptions()
  .allowUnknownOption()
  .action(async (node: string, argv: string[]) => {
    process.exitCode = await lab().node(node).terminal(argv)
  })

program
  .command('kill')
  .description('cut the power of a node')
  .argument('<node>')
  .action((node: string) => lab().node(node).kill())
program
  .command('boot')
  .description('boot a node again after kill')
  .argument('<node>')
  .action((node: string) => lab().node(node).boot(lab().hosts))
program
  .command('list')
  .description('list the labs on this machine')
  .action(() => console.log(labNames().join('\n')))
program
  .command('down')
  .description('stop the lab and delete its disks; build results stay')
  .action(() => timed('down', () => lab().down()))

try {
  await program.parseAsync()
} catch (error) {
  console.error(error instanceof Error ? error.message : error)
  process.exitCode = 1
}
