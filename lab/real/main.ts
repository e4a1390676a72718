/** `npm run lab -- up|convert|shell|kill|down|list`: a cluster of real kubeadm nodes on this machine. */
import { Command, Option } from 'commander'
import { freePrefix, Lab, labNames } from './lab.js'
import { pieces } from './pieces/all.js'
import { suites } from './rootfs.js'
import { onTerminal, timed } from './shell.js'

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
    'boots 3 control planes and the workers; only the first control plane is in the cluster. First time: about half an hour, later under two minutes',
  )
  .option('--kubernetes <version>', 'any release from v1.28 on that the Go proxy has', 'v1.37.2')
  .addOption(new Option('--debian <release>', 'of the nodes').choices(suites).default('bookworm'))
  .option('--workers <n>', 'number of workers', '2')
  .option(
    '--with <names...>',
    `what makes it another cluster than the textbook's: ${Object.keys(pieces).join(', ')}`,
    [],
  )
  .option('--bare', 'without agents: only the cluster')
  .action(async (options) => {
    if (process.getuid?.() !== 0) throw new Error('the lab makes network namespaces and machines: run it as root')
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
  .description('quorate convert on the lab, with the programs of out/; further arguments go to it')
  .argument('[args...]', 'such as --yes', [])
  .allowUnknownOption()
  .action(async (args: string[]) => {
    process.exitCode = await onTerminal(...lab().quorate(['convert', '-f', lab().clusterFile, ...args]))
  })

program
  .command('quorate')
  .description('any other command of quorate on the lab, such as: quorate verify')
  .argument('<args...>')
  .allowUnknownOption()
  .action(async (args: string[]) => {
    const needsFile = ['plan', 'verify', 'convert'].includes(args[0] ?? '')
    process.exitCode = await onTerminal(...lab().quorate([...args, ...(needsFile ? ['-f', lab().clusterFile] : [])]))
  })

program
  .command('shell')
  .description('a shell, or one program, in a node: shell cp1 [program args...]')
  .argument('<node>')
  .argument('[argv...]', 'the program', ['bash'])
  .passThroughOptions()
  .allowUnknownOption()
  .action(async (node: string, argv: string[]) => {
    process.exitCode = await lab().node(node).terminal(argv)
  })

program
  .command('kill')
  .description('power-cut of a node')
  .argument('<node>')
  .action((node: string) => lab().node(node).kill())
program
  .command('boot')
  .description('boots a node again after kill')
  .argument('<node>')
  .action((node: string) => lab().node(node).boot(lab().hosts))
program
  .command('list')
  .description('the labs on this machine')
  .action(() => console.log(labNames().join('\n')))
program
  .command('down')
  .description('ends the lab and forgets its disks; what was built stays')
  .action(() => timed('down', () => lab().down()))

try {
  await program.parseAsync()
} catch (error) {
  console.error(error instanceof Error ? error.message : error)
  process.exitCode = 1
}
