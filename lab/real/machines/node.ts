import { spawn } from 'node:child_process'
import { existsSync, mkdirSync, openSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { images, layer, rootfs } from './cache.js'
import type { Network } from './network.js'
import type { Suite } from './rootfs.js'
import { capture, must, onTerminal, type RunResult } from './shell.js'

export interface NodeSpec {
  /** `cp1`, `w1`: the name in the lab's commands. */
  readonly short: string
  /** Name in the cluster, and hostname unless that is given. */
  readonly name: string
  /** Last octet of its address. */
  readonly octet: number
  readonly role: NodeRole
}

/** A spare machine has all that a node needs and is in no cluster and no cluster file; machines for etcd and load balancers have nothing of Kubernetes. */
export type NodeRole = 'control-plane' | 'worker' | 'spare' | 'etcd' | 'load-balancer'

interface NodeOfLab {
  readonly folder: string
  readonly version: string
  readonly debian: Suite
  readonly network: Network
  /** The hostname, if it is not its name. */
  readonly hostName?: string
  /** Its default route is on another network than the cluster's. */
  readonly secondCard: boolean
}

const ofWorkers = ['pause.tar', 'kube-proxy.tar', 'coredns.tar']
const imagesOf: Readonly<Record<NodeRole, (image: string) => boolean>> = {
  'control-plane': () => true,
  spare: () => true,
  worker: (image) => ofWorkers.includes(image),
  etcd: () => false,
  'load-balancer': () => false,
}

const environment = [
  'PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
  'HOME=/root',
  'KUBECONFIG=/etc/kubernetes/admin.conf',
  'LANG=C.UTF-8',
]

/** The text of a file that may be gone: a process ends between two looks. */
function textOf(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    return ''
  }
}

/** One machine of a lab: systemd-nspawn with its own systemd, containerd and kubelet on its own overlay. */
export class LabNode {
  readonly spec: NodeSpec
  readonly address: string
  /** The path of its root file system on this machine. */
  readonly root: string
  readonly #folder: string
  readonly #version: string
  readonly #debian: Suite
  readonly #network: Network
  readonly #hostName: string
  readonly #secondCard: boolean

  constructor(spec: NodeSpec, lab: NodeOfLab) {
    this.spec = spec
    this.#hostName = lab.hostName ?? spec.name
    this.#secondCard = lab.secondCard
    this.address = `${lab.network.prefix}.${spec.octet}`
    this.#folder = join(lab.folder, 'nodes', spec.short)
    this.root = join(this.#folder, 'root')
    this.#version = lab.version
    this.#debian = lab.debian
    this.#network = lab.network
  }

  /** Boots it; the first time with a new disk. Resolves when containerd answers. */
  async boot(hosts: string): Promise<void> {
    for (const name of ['upper', 'work', 'root', 'containerd', 'kubelet', 'etcd'])
      mkdirSync(join(this.#folder, name), { recursive: true })
    if ((await capture('mountpoint', ['-q', this.root])).exitCode !== 0) {
      const lower = [layer(this.#version, this.#debian), rootfs(this.#debian)].join(':')
      const options = `lowerdir=${lower},upperdir=${this.#folder}/upper,workdir=${this.#folder}/work`
      await must('mount', ['-t', 'overlay', 'overlay', '-o', options, this.root])
    }
    if (!existsSync(join(this.#folder, 'made'))) this.#firstBoot(hosts)
    this.#start()
    if (this.#secondCard) await this.#network.plug(this.#card)
    for (let tries = 0; tries < 120; tries++) {
      if ((await this.sh(['systemctl', 'is-active', '-q', 'containerd'])).exitCode === 0) return
      await new Promise((resolve) => setTimeout(resolve, 250))
    }
    throw new Error(`${this.spec.short} did not boot: ${join(this.#folder, 'console.log')}`)
  }

  /** This end of its second network card. */
  get #card(): string {
    return `net-${this.spec.short}`
  }

  #firstBoot(hosts: string): void {
    const put = (path: string, text: string) => writeFileSync(join(this.root, path), text)
    put('etc/hostname', `${this.#hostName}\n`)
    const outside = `${this.#network.outsidePrefix}.${this.spec.octet}`
    const cards = this.#secondCard ? `host0=${outside} net1=${this.address}` : `host0=${this.address}`
    put('etc/lab/env', `IP=${this.address}\nNICS="${cards}"\n`)
    put('etc/machine-id', `${crypto.randomUUID().replaceAll('-', '')}\n`)
    put('etc/hosts', hosts)
    // There is no name server; debootstrap's resolv.conf names this machine's, which is out of reach, and a lookup waits 40 s for it.
    rmSync(join(this.root, 'etc/resolv.conf'), { force: true })
    put('etc/resolv.conf', `nameserver ${this.#network.prefix}.1\noptions timeout:1 attempts:1\n`)
    const network = {
      cniVersion: '0.4.0',
      name: 'lab',
      plugins: [
        {
          type: 'bridge',
          bridge: 'cni0',
          isGateway: true,
          ipMasq: true,
          hairpinMode: true,
          ipam: {
            type: 'host-local',
            ranges: [[{ subnet: `10.244.${this.spec.octet}.0/24` }]],
            routes: [{ dst: '0.0.0.0/0' }],
          },
        },
        { type: 'portmap', capabilities: { portMappings: true } },
      ],
    }
    put('etc/cni/net.d/10-lab.conflist', JSON.stringify(network))
    if (['etcd', 'load-balancer'].includes(this.spec.role)) this.#withoutKubernetes()
    writeFileSync(join(this.#folder, 'made'), '')
  }

  #withoutKubernetes(): void {
    const programs = ['kubeadm', 'kubelet', 'kubectl'].map((name) => `usr/bin/${name}`)
    const unit = 'etc/systemd/system/kubelet.service'
    const wanted = 'etc/systemd/system/multi-user.target.wants/kubelet.service'
    for (const path of [...programs, wanted, unit, `${unit}.d`, 'etc/cni', 'etc/kubernetes'])
      rmSync(join(this.root, path), { recursive: true, force: true })
  }

  #start(): void {
    const bind = (name: string) => `--bind=${join(this.#folder, name)}:/var/lib/${name}`
    const machine = `${this.#network.name}-${this.spec.short}`
    const nspawn = [
      `--net=/run/netns/${this.#network.name}`,
      'env',
      'SYSTEMD_NSPAWN_USE_CGNS=1',
      'SYSTEMD_SECCOMP=0',
      'SYSTEMD_NSPAWN_API_VFS_WRITABLE=1',
      ...[
        'systemd-nspawn',
        '-q',
        '-D',
        this.root,
        `--machine=${machine}`,
        '--boot',
        '--register=no',
        '--keep-unit',
        `--network-bridge=${this.#secondCard ? this.#network.outsideBridge : this.#network.bridge}`,
        ...(this.#secondCard ? [`--network-veth-extra=${this.#card}:net1`] : []),
      ],
      ...['--capability=all', '--bind=/dev/null:/dev/kmsg', ...['containerd', 'kubelet', 'etcd'].map(bind)],
      ...[`--bind-ro=${images(this.#version)}:/opt/images`, '--console=read-only'],
    ]
    // cgroup v1: its own group in every hierarchy, or the node's systemd takes over this machine's.
    const script = `for c in /sys/fs/cgroup/*/; do g=$c/${machine}; mkdir -p $g 2>/dev/null || continue
      case $c in *cpuset*) cat $c/cpuset.cpus > $g/cpuset.cpus; cat $c/cpuset.mems > $g/cpuset.mems;; esac
      echo $$ > $g/cgroup.procs 2>/dev/null || true; done
      exec nsenter "$@"`
    const console = openSync(join(this.#folder, 'console.log'), 'w')
    const child = spawn('sh', ['-c', script, 'sh', ...nspawn], { detached: true, stdio: ['ignore', console, console] })
    writeFileSync(join(this.#folder, 'nspawn.pid'), String(child.pid))
    child.unref()
  }

  /** The PID of the node's PID 1 on this machine, or undefined if it does not run. */
  leader(): number | undefined {
    const nspawn = textOf(join(this.#folder, 'nspawn.pid'))
    return textOf(`/proc/${nspawn}/task/${nspawn}/children`)
      .split(' ')
      .filter(Boolean)
      .map(Number)
      .find((pid) => /^NSpid:.*\t1$/m.test(textOf(`/proc/${pid}/status`)))
  }

  #enter(argv: readonly string[]): readonly string[] | undefined {
    const pid = this.leader()
    return pid === undefined ? undefined : ['-t', String(pid), '-a', 'env', '-i', ...environment, ...argv]
  }

  /** argv for a program of this machine in the node's network, with the node's loopback. */
  within(argv: readonly string[]): readonly [string, string[]] {
    return ['nsenter', ['-t', String(this.leader() ?? ''), '-n', ...argv]]
  }

  /** Runs a program in the node. */
  async sh(argv: readonly string[], input?: string): Promise<RunResult> {
    const args = this.#enter(argv)
    if (args === undefined) return { exitCode: 1, stdout: '', stderr: `${this.spec.short} does not run` }
    return capture('nsenter', args, input === undefined ? {} : { input })
  }

  /** Runs a program in the node; throws if it fails. */
  async must(argv: readonly string[], input?: string): Promise<string> {
    const result = await this.sh(argv, input)
    if (result.exitCode === 0) return result.stdout
    throw new Error(
      `${this.spec.short}: ${argv.join(' ')} ended with ${result.exitCode}:\n${`${result.stdout}\n${result.stderr}`.trim().split('\n').slice(-20).join('\n')}`,
    )
  }

  /** Writes a text file, and its folder if that is missing. */
  async put(path: string, text: string, mode = '0644', owner = 'root:root'): Promise<void> {
    const script = 'mkdir -p "$(dirname "$0")" && umask 077 && cat > "$0" && chmod "$1" "$0" && chown "$2" "$0"'
    await this.must(['sh', '-c', script, path, mode, owner], text)
  }

  /** Copies a program of this machine to the node. */
  async install(program: string, path: string): Promise<void> {
    await must('install', ['-D', '-m755', program, join(this.root, path)])
  }

  async terminal(argv: readonly string[]): Promise<number> {
    return onTerminal(...this.inside(argv))
  }

  /** argv for a program in the node, run from this machine; throws if it does not run. */
  inside(argv: readonly string[]): readonly [string, readonly string[]] {
    const args = this.#enter(argv)
    if (args === undefined) throw new Error(`${this.spec.short} does not run`)
    return ['nsenter', args]
  }

  /** Imports the container images that its role needs. */
  async loadImages(role: NodeRole = this.spec.role): Promise<void> {
    const all = readdirSync(images(this.#version)).filter((name) => name.endsWith('.tar'))
    const wanted = all.filter((name) => imagesOf[role](name))
    for (const name of wanted) await this.must(['ctr', '-n', 'k8s.io', 'images', 'import', `/opt/images/${name}`])
  }

  /** Imports an image that is not part of the release. */
  async importImage(file: string): Promise<void> {
    const path = '/var/lib/containerd/import.tar'
    await must('cp', [file, join(this.#folder, 'containerd/import.tar')])
    await this.must(['sh', '-c', `ctr -n k8s.io images import ${path} && rm ${path}`])
  }

  /** Power cut: everything in it ends at once, without notice. */
  kill(): void {
    const pid = this.leader()
    if (pid !== undefined) process.kill(pid, 'SIGKILL')
  }

  /** Deletes its disk. It must not run any more. */
  async wipe(): Promise<void> {
    await capture('umount', ['-l', this.root])
    rmSync(this.#folder, { recursive: true, force: true })
  }
}
