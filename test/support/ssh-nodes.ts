import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { dirname, join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Test } from 'tap'
import { type Bundles, bundlePrograms } from '../../lab/simulated/bundles.js'

const preload = fileURLToPath(new URL('./die-before-change.mjs', import.meta.url))

/**
 * Machines behind an `ssh` in PATH that keeps every argument and every byte of standard input. It runs each command here, with the paths of the
 * node below a folder of its own, and with stand-ins for the programs that say what kind of node it is.
 */
export class SshNodes {
  readonly folder: string
  readonly bundles: Bundles
  readonly clusterFile: string
  readonly names: readonly string[]

  private constructor(folder: string, bundles: Bundles, names: readonly string[]) {
    this.folder = folder
    this.bundles = bundles
    this.names = names
    this.clusterFile = join(folder, 'cluster.yaml')
  }

  /** Clean nodes cp1, cp2, cp3 and as many workers; all of it ends with the test. */
  static async start(t: Test, { workers = 1 }: { workers?: number } = {}): Promise<SshNodes> {
    const folder = mkdtempSync(join(tmpdir(), 'qssh-'))
    const names = ['cp1', 'cp2', 'cp3', ...Array.from({ length: workers }, (_, index) => `w${index + 1}`)]
    const nodes = new SshNodes(folder, await bundlePrograms(join(folder, 'programs')), names)
    t.teardown(() => {
      for (const name of names) nodes.stop(name)
      rmSync(folder, { recursive: true, force: true })
    })
    for (const name of names) nodes.clean(name)
    nodes.write('bin/ssh', fakeSsh(folder), 0o755)
    mkdirSync(join(folder, 'streams'))
    await nodes.writeClusterFile()
    nodes.agent('v1')
    return nodes
  }

  /** A release of the agent, as a file that can be deployed. */
  agent(release: string): string {
    const text = `#!/bin/sh\n# ${release}\nexec ${process.execPath} ${this.bundles['quorate-agent']} "$@"\n`
    return this.write(`agents/${release}`, text, 0o755)
  }

  root(name: string): string {
    return join(this.folder, 'nodes', name)
  }

  /** Makes a node as it is when nothing of Quorate was there. */
  clean(name: string): void {
    this.stop(name)
    rmSync(this.root(name), { recursive: true, force: true })
    for (const path of ['usr/bin', 'usr/lib', 'etc/systemd/system', 'var/lib', 'run/systemd/system', 'proc/self'])
      mkdirSync(join(this.root(name), path), { recursive: true })
    for (const path of ['proc/sys/kernel/random', 'proc/net'])
      mkdirSync(join(this.root(name), path), { recursive: true })
    this.set(name, 'proc/sys/kernel/random/boot_id', `${name}-1`)
    this.set(name, 'proc/self/mounts', '/dev/sda1 / ext4 rw,relatime 0 0')
    this.set(name, 'proc/net/tcp', '')
    for (const [program, text] of Object.entries(standIns(this.root(name))))
      this.write(`nodes/${name}/bin/${program}`, `#!/bin/sh\n${text}`, 0o755)
  }

  /** Writes a file of a node: what it is like, or what its stand-ins read. */
  set(name: string, path: string, text: string): void {
    this.write(`nodes/${name}/${path}`, `${text}\n`)
  }

  unset(name: string, path: string): void {
    rmSync(join(this.root(name), path), { recursive: true, force: true })
  }

  read(name: string, path: string): string {
    return readFileSync(join(this.root(name), path), 'utf8')
  }

  has(name: string, path: string): boolean {
    return existsSync(join(this.root(name), path))
  }

  stop(name: string): void {
    const file = join(this.root(name), 'run/agent.pid')
    if (!existsSync(file)) return
    try {
      process.kill(Number(readFileSync(file, 'utf8')), 'SIGKILL')
    } catch {} // it ended by itself
  }

  /** `quorate deploy -f FILE ARGS`, with that `ssh`. */
  deploy(args: readonly string[] = ['--yes'], { release = 'v1', state = 'state', input = '' } = {}) {
    const agent = join(this.folder, 'agents', release)
    return this.quorate(['deploy', '-f', this.clusterFile, '--agent', agent, ...args], { state, input })
  }

  quorate(args: readonly string[], { state = 'state', input = '' } = {}) {
    const child = spawn(process.execPath, [this.bundles.quorate, ...args, '--state', join(this.folder, state)], {
      env: { ...process.env, NO_COLOR: '1', PATH: `${join(this.folder, 'bin')}:${process.env['PATH']}` },
    })
    let [stdout, stderr] = ['', '']
    child.stdout.on('data', (chunk: Buffer) => {
      stdout += chunk
    })
    child.stderr.on('data', (chunk: Buffer) => {
      stderr += chunk
    })
    child.stdin.end(input)
    return new Promise<{ exitCode: number; said: string; stdout: string }>((resolve) =>
      child.once('close', (code) => resolve({ exitCode: code ?? 128, said: stdout + stderr, stdout })),
    )
  }

  /** What `ssh` got so far: arguments, and standard input as it came. */
  seen(): { readonly args: string; readonly streams: readonly Buffer[] } {
    const streams = readdirSync(join(this.folder, 'streams')).map((name) =>
      readFileSync(join(this.folder, 'streams', name)),
    )
    return { args: readFileSync(join(this.folder, 'args'), 'utf8'), streams }
  }

  forgetSeen(): void {
    rmSync(join(this.folder, 'args'), { force: true })
    for (const name of readdirSync(join(this.folder, 'streams'))) rmSync(join(this.folder, 'streams', name))
  }

  /** Files that an agent has on a node, each with its hash; keys, certificates and what the agent writes are named only. */
  installed(name: string): Readonly<Record<string, string>> {
    const places = ['usr/bin', 'usr/lib', 'etc', 'var/lib'].map((path) => join(this.root(name), path))
    const files = places.flatMap(filesBelow)
    const own = /node\.(crt|key)$|before\.json$|var\/lib\//
    return Object.fromEntries(
      files.map((path) => {
        const shown = relative(this.root(name), path)
        return [shown, own.test(shown) ? 'its own' : createHash('sha256').update(readFileSync(path)).digest('hex')]
      }),
    )
  }

  clusterText(): string {
    return readFileSync(this.clusterFile, 'utf8')
  }

  private write(path: string, text: string, mode = 0o644): string {
    const whole = join(this.folder, path)
    mkdirSync(dirname(whole), { recursive: true })
    writeFileSync(whole, text)
    chmodSync(whole, mode)
    return whole
  }

  private async writeClusterFile(): Promise<void> {
    const entries = await Promise.all(
      this.names.map(
        async (name, index) =>
          `  - {name: ${name}, address: 127.0.0.1${index + 1}, agent: '127.0.0.1:${await freePort()}', ssh: ${name}}\n`,
      ),
    )
    const text = `apiVersion: quorate/v1alpha1\nkind: Conversion\nmetadata: {name: test}\nendpoint: api.example.com:8443\nloadBalancer: {kind: external}\ncontrolPlanes:\n${entries.slice(0, 3).join('')}workers:\n${entries.slice(3).join('') || '  []\n'}`
    this.write('cluster.yaml', text.replaceAll(/127\.0\.0\.1(\d),/g, '10.0.0.$1,'))
  }
}

const filesBelow = (folder: string): readonly string[] =>
  readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .map((name) => join(folder, name))
    .filter((path) => existsSync(path) && statSync(path).isFile())

const freePort = () =>
  new Promise<number>((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address() as { port: number }
      server.close(() => resolve(port))
    })
  })

/** Paths of a node that exist below its folder. */
const ownPaths =
  '/usr/bin/quorate-agent|/usr/lib/quorate-agent|/usr/lib/systemd/system/|/etc/quorate|/etc/systemd/system/|/var/lib/quorate-agent|/run/quorate-agent|/run/systemd/system|/proc/net/|/proc/self/mounts|/proc/sys/|/sys/fs/'

/**
 * A node's `says` is what ssh prints before it fails. `die` is `CALL WHEN`: at that call this program kills the one that called it, `before` or
 * `after` the command, or at once, so that the command gets what had been sent by then.
 */
const fakeSsh = (folder: string): string => `#!/bin/sh
for arg in "$@"; do printf '%s\\n' "$arg" >>${folder}/args; done
while :; do case $1 in -o) shift 2;; -T) shift;; -O) exit 0;; --) shift; break;; *) exit 64;; esac; done
root=${folder}/nodes/$1
if [ -e $root/says ]; then cat $root/says >&2; exit 255; fi
echo >>$root/calls
call=$(wc -l <$root/calls)
read at when <$root/die 2>/dev/null
if [ "$call" = "$at" ] && [ "$when" != after ]; then kill -9 $PPID; fi
if [ "$call" = "$at" ] && [ "$when" = before ]; then exit 255; fi
command=$(printf '%s' "$2" | sed -E "s#(${ownPaths})#$root\\1#g; s#install --from .d#install --root $root --from /usr/lib/quorate-agent/incoming.\\$\\$#; s#PATH=/usr/sbin#PATH=$root/bin:/usr/sbin#g")
if [ -e $root/die-in-install ]; then export NODE_OPTIONS=--import=${preload} QUORATE_TEST_DIES_BEFORE=$(cat $root/die-in-install); fi
tee ${folder}/streams/$$ | PATH=$root/bin:$PATH sh -c "$command" >$root/said-$$
code=$?
sed "s#$root##g" $root/said-$$
rm $root/said-$$
if [ "$call" = "$at" ] && [ "$when" = after ]; then kill -9 $PPID; fi
if [ -e $root/lose ]; then rm $root/lose; exit 255; fi
exit $code
`

/** Programs of a node. `QUORATE_TEST_DIES_BEFORE` is for the installation, not for the agent that it starts. */
const standIns = (root: string): Readonly<Record<string, string>> => ({
  id: `cat ${root}/uid 2>/dev/null || echo 0\n`,
  uname: `cat ${root}/machine 2>/dev/null || echo x86_64\n`,
  date: `cat ${root}/clock 2>/dev/null || exec /bin/date "$@"\n`,
  df: `echo "/dev/sda1 99999999 1 $(cat ${root}/free 2>/dev/null || echo 9999999) 1% /"\n`,
  ss: `cat ${root}/listeners 2>/dev/null\n`,
  restorecon: `[ -e ${root}/sys/fs/selinux/enforce ] && echo "$@" >>${root}/labels\n`,
  journalctl: `tail -n 5 ${root}/run/agent.log 2>/dev/null\n`,
  sudo: `kind=$(cat ${root}/sudo 2>/dev/null)
case "$kind $1" in
  requiretty*) echo 'sudo: sorry, you must have a tty to run sudo' >&2; exit 1;;
  none*) echo 'op is not in the sudoers file.' >&2; exit 1;;
  password*-n) echo 'sudo: a password is required' >&2; exit 1;;
  password*-k) read given; if [ "$given" != "\${kind#password }" ]; then echo 'sudo: 1 incorrect password attempt' >&2; exit 1; fi; shift 4;;
  *) shift;;
esac
echo 0 >${root}/uid-now
exec "$@"
`,
  systemctl: `unset NODE_OPTIONS QUORATE_TEST_DIES_BEFORE
pidfile=${root}/run/agent.pid
wants=${root}/etc/systemd/system/multi-user.target.wants/quorate-agent.service
alive() { [ -e $pidfile ] && kill -0 $(cat $pidfile) 2>/dev/null; }
stop() { if alive; then kill $(cat $pidfile); while alive; do sleep 0.05; done; fi; rm -f $pidfile; }
echo "$*" >>${root}/systemctl-calls
case $1 in
  show) alive && echo ActiveState=active || echo ActiveState=inactive
    [ -e $wants ] && echo UnitFileState=enabled || echo UnitFileState=
    alive && echo MainPID=$(cat $pidfile) || echo MainPID=0;;
  enable) mkdir -p $(dirname $wants); echo >$wants;;
  disable) rm -f $wants; rmdir $(dirname $wants) 2>/dev/null; :;;
  stop) stop;;
  restart) stop
    if [ -e ${root}/refuse-start ]; then echo 'Job for quorate-agent.service failed.' >&2; exit 1; fi
    [ -e ${root}/etc/systemd/system/quorate-agent.service ] || [ -e ${root}/usr/lib/systemd/system/quorate-agent.service ] || exit 5
    mkdir -p ${root}/var/lib/quorate-agent ${root}/run/agent
    { cat ${root}/etc/quorate/agent.yaml; echo "hostRoot: ${root}"; } >${root}/run/agent/agent.yaml
    for file in fleet-ca.crt node.crt node.key; do ln -sf ${root}/etc/quorate/$file ${root}/run/agent/$file; done
    [ -e ${root}/mute ] && exit 0
    setsid ${root}/usr/bin/quorate-agent serve --config ${root}/run/agent/agent.yaml >>${root}/run/agent.log 2>&1 </dev/null &
    echo $! >$pidfile;;
esac
`,
})

type Ran = Awaited<ReturnType<SshNodes['deploy']>>

/** Asserts how a deployment ended, and what it said. */
export const endedWith = (t: Test, ran: Ran, exitCode: number, said?: RegExp): void => {
  t.equal(ran.exitCode, exitCode, ran.exitCode === exitCode ? 'exit code' : ran.said)
  if (said !== undefined) t.match(ran.said, said)
}

/** What an agent has after one installation on a clean node. */
export const wholeOf = (nodes: SshNodes, name: string): readonly string[] => {
  const { 'usr/bin/quorate-agent': binary = '', 'etc/systemd/system/quorate-agent.service': unit = '' } =
    nodes.installed(name)
  const rest = Object.keys(nodes.installed(name)).filter((path) => !path.startsWith('var/lib/'))
  return [binary, unit, ...rest.sort()]
}
