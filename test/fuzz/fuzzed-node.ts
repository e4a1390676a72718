import {
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Client } from '@grpc/grpc-js'
import { issueCertificate } from '@quorate/shared/issue-certificate'
import { createLog } from '@quorate/shared/log'
import { clientCredentials } from '@quorate/shared/mtls'
import type { Test } from 'tap'
import { openAppendFile } from '../../agent/src/host/append-file.js'
import { connectCri } from '../../agent/src/host/cri-client.js'
import { connectEtcd } from '../../agent/src/host/etcd-client.js'
import { connectKubeApi } from '../../agent/src/host/local-kube-api.js'
import { touchablePaths } from '../../agent/src/ops/context/paths.js'
import { operations } from '../../agent/src/ops/registry.js'
import { Ledger } from '../../agent/src/server/ledger.js'
import { type Serving, serve } from '../../agent/src/server/serve.js'
import { fleetCa } from '../support/node-identities.js'
import { OpsNode } from '../support/ops-node.js'

/** Programs that the stand-ins use; others of this machine are out of reach, so that a mistake cannot run one. */
const shellPrograms = ['sh', 'cat', 'sed', 'cut', 'rm', 'env']

/** Files that no operation may touch. */
const canaries: Readonly<Record<string, string>> = {
  '/etc/passwd': 'root:x:0:0:root:/root:/bin/bash\n',
  '/etc/shadow': 'root:*:19000:0:99999:7:::\n',
  '/etc/systemd/system/sshd.service': '[Service]\nExecStart=/usr/sbin/sshd -D\n',
  '/root/.bashrc': '# root\n',
  '/home/ops/.ssh/authorized_keys': 'ssh-ed25519 AAAA ops\n',
  '/usr/bin/kubelet': 'a program\n',
  '/var/lib/other/state': 'of another program\n',
}

/** The agent's own folders, what systemd has at run time, the stand-ins' notes, and kubeconfigs of users that name the control plane. */
const ownFolders = ['/var/lib/quorate-agent/', '/run/', '/own-identity/']
const userKubeconfig = /^\/(root|home\/[^/]+)\/\.kube\/config$/

type Seen = ReadonlyMap<string, string>

/** A whole agent with all its operations on a node of real files, behind its real door; beside the node a folder that a link leads to. */
export class FuzzedNode {
  readonly defects: string[] = []
  private readonly ends: (() => unknown)[] = []
  private touchable: ReadonlySet<string> = new Set()
  private before: Seen = new Map()
  private node!: OpsNode
  private serving!: Serving
  private caller!: Client
  private outside = ''

  static async start(): Promise<FuzzedNode> {
    const made = new FuzzedNode()
    await made.begin()
    return made
  }

  get client(): Client {
    return this.caller
  }

  private async begin(): Promise<void> {
    const node = await OpsNode.make({ teardown: (end: () => unknown) => this.ends.push(end) } as unknown as Test)
    this.node = node
    this.furnish()
    const { host, identity } = node.tools
    const ledgerPath = node.path('/var/lib/quorate-agent/ledger.jsonl')
    const log = createLog('fuzz', (line) => {
      if (line.includes('"defect"')) this.defects.push(line)
    })
    this.serving = await serve({
      listen: '127.0.0.1:0',
      identity,
      operations,
      tools: {
        ...node.tools,
        kube: () => connectKubeApi(host),
        etcd: () => connectEtcd(host),
        cri: () => connectCri(host, node.tools.criSocket),
      },
      ledger: new Ledger(await openAppendFile(ledgerPath), ledgerPath),
      log,
      busyWaitMs: 100,
    })
    this.caller = this.callerOf(this.serving.port)
    this.touchable = new Set(await touchablePaths(host))
    this.before = this.look()
  }

  private callerOf(port: number): Client {
    const names = { commonName: 'coordinator', organizations: ['quorate:operator'], dnsNames: [], ipAddresses: [] }
    const { certPem, keyPem } = issueCertificate({ ca: fleetCa, ...names, days: 1, usage: 'client' })
    const credentials = clientCredentials({ ca: fleetCa.certPem, cert: certPem, key: keyPem })
    return new Client(`127.0.0.1:${port}`, credentials, { 'grpc.ssl_target_name_override': this.node.name })
  }

  /** A control plane by its files, each of whose addresses is of this machine and has no one behind it. */
  private furnish(): void {
    const { node } = this
    const fixtures = join(import.meta.dirname, '../fixtures/v1.37.2/before')
    const put = (from: string, to: string): void => {
      const text = readFileSync(join(fixtures, from), 'utf8')
      node.write(
        to,
        text.replaceAll(/\b(?:10|172|192)(?:\.\d{1,3}){3}\b/g, '127.0.0.1').replaceAll('.example.com', '.invalid'),
      )
    }
    for (const entry of readdirSync(fixtures, { recursive: true, withFileTypes: true })) {
      const path = join(entry.parentPath, entry.name).slice(fixtures.length + 1)
      if (entry.isFile() && !/^(cm-|worker-)/.test(path)) put(path, `/etc/kubernetes/${path}`)
    }
    put('admin.conf', '/root/.kube/config')
    node.write('/etc/hosts', '127.0.0.1 localhost\n')
    node.write(
      '/var/lib/kubelet/config.yaml',
      'kind: KubeletConfiguration\napiVersion: kubelet.config.k8s.io/v1beta1\n',
    )
    for (const [path, text] of Object.entries(canaries)) node.write(path, text)
    this.outside = mkdtempSync(join(tmpdir(), 'quorate-outside-'))
    this.ends.push(() => rmSync(this.outside, { recursive: true, force: true }))
    writeFileSync(join(this.outside, 'passwd'), 'root\n')
    node.link('/etc/kubernetes/out', this.outside)
    mkdirSync(node.path('/bin'))
    for (const name of shellPrograms) symlinkSync(`/usr/bin/${name}`, node.path(`/bin/${name}`))
    process.env['PATH'] = `${node.path('/stand-ins')}:${node.path('/bin')}`
  }

  /** Paths that changed since it was asked last and that no operation may change. `told` are the folders that the request names. */
  changedElsewhere(told: readonly string[]): readonly string[] {
    const now = this.look()
    const changed = [...new Set([...this.before.keys(), ...now.keys()])].filter(
      (path) => this.before.get(path) !== now.get(path),
    )
    this.before = now
    return changed.filter((path) => !this.mayChange(path) && !told.some((folder) => path.startsWith(`${folder}/`)))
  }

  private mayChange(path: string): boolean {
    return this.touchable.has(path) || userKubeconfig.test(path) || ownFolders.some((folder) => path.startsWith(folder))
  }

  private look(): Seen {
    const seen = new Map<string, string>()
    for (const root of [this.node.root, this.outside])
      for (const entry of readdirSync(root, { recursive: true, withFileTypes: true })) {
        const real = join(entry.parentPath, entry.name)
        const stats = lstatSync(real, { throwIfNoEntry: false })
        if (stats === undefined || stats.isDirectory()) continue
        const path = root === this.outside ? real : real.slice(root.length)
        seen.set(path, `${stats.ino} ${stats.size} ${stats.mtimeMs} ${stats.mode} ${stats.uid}`)
      }
    return seen
  }

  async stop(): Promise<void> {
    this.caller.close()
    await this.serving.stop(0)
    for (const end of this.ends) end()
  }
}
