import {
  chmodSync,
  cpSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import type { QuorateError } from '@quorate/shared/errors'
import type { SealingRecipient } from '@quorate/shared/gen/quorate/v1/node_agent'
import type { OperationResult } from '@quorate/shared/gen/quorate/v1/operation'
import { sha256Hex } from '@quorate/shared/hash'
import type { Test } from 'tap'
import { createSealing } from '../../agent/src/host/age-sealing.js'
import { BackupSealing } from '../../agent/src/host/backup-sealing.js'
import { connectCri } from '../../agent/src/host/cri-client.js'
import { DenyList } from '../../agent/src/host/deny-list.js'
import type { KubeApi } from '../../agent/src/host/kube-api.js'
import { LinuxHost } from '../../agent/src/host/linux-host.js'
import { NodeNetwork } from '../../agent/src/host/node-network.js'
import { Pins } from '../../agent/src/host/pins.js'
import { DisturbingLooks } from '../../agent/src/ops/context/disturbing-looks.js'
import type { ChangeOperation } from '../../agent/src/ops/context/operation.js'
import type { Tools } from '../../agent/src/ops/context/tools.js'
import { identityOf, ownIdentity, recipientOf } from './node-identities.js'

export const runId = '20260303t101112-abc123'

/**
 * systemd in a few lines, enough for what the agent asks of it: units are files `run/units/NAME` in the node's folder with the
 * properties that `systemctl show` prints. haproxy "listens" on the port of its configuration, so that ss can tell it.
 */
const programs: Record<string, string> = {
  systemctl: `
units="$QUORATE_HOST_ROOT/run/units"; log="$QUORATE_HOST_ROOT/run/systemctl.log"
listen() { sed -n 's/^  bind \\*:\\([0-9]*\\)$/LISTEN 0 4096 *:\\1 *:* users:(("haproxy",pid=7,fd=5))/p' "$QUORATE_HOST_ROOT/etc/$1/haproxy.cfg" >> "$QUORATE_HOST_ROOT/run/ss-listening"; }
unit() { printf 'LoadState=loaded\\nActiveState=%s\\nSubState=%s\\nUnitFileState=%s\\nResult=success\\nExecMainStatus=0\\nActiveEnterTimestamp=Tue 2026-03-03 10:11:12 UTC\\nExecMainStartTimestamp=Tue 2026-03-03 10:11:12 UTC\\n' "$2" "$3" "$4" > "$units/$1"; }
case "$1" in show|--version) ;; *) echo "$*" >> "$log" ;; esac
case "$1" in
  --version) echo 'systemd 252 (252.39-1~deb12u2)' ;;
  show) between=; for name; do case "$name" in show|--*) continue ;; esac
    [ -z "$between" ] || echo; between=yes
    if [ -f "$units/$name" ]; then cat "$units/$name"; else printf 'LoadState=not-found\\nActiveState=inactive\\nSubState=dead\\n'; fi; done ;;
  stop|reset-failed) for name; do case "$name" in stop|reset-failed) ;; quorate-op-*|quorate-put-back*) rm -f "$units/$name" ;; *) [ "$1" = reset-failed ] || unit "$name" inactive dead enabled ;; esac; done ;;
  start) for name; do [ "$name" = start ] || unit "$name" active running enabled; done ;;
  enable) unit "$3" active running enabled; case "$3" in *haproxy) listen "$3" ;; esac ;;
  disable) unit "$3" inactive dead disabled; case "$3" in *haproxy) : > "$QUORATE_HOST_ROOT/run/ss-listening" ;; esac ;;
  reload-or-restart) case "$2" in *haproxy) : > "$QUORATE_HOST_ROOT/run/ss-listening"; listen "$2" ;; esac ;;
  restart) [ ! -f "$QUORATE_HOST_ROOT/run/restart-fails" ] || { echo 'Job for kubelet.service failed.'; exit 1; } ;;
esac`,
  'systemd-run': `
for word; do case "$word" in --pipe) piped=yes; shift ;; --unit=*) name="\${word#--unit=}"; shift ;; --on-active=*) later="\${word#--on-active=}"; shift ;; --) shift; break ;; *) shift ;; esac; done
[ -z "$piped" ] || exec "$@"
units="$QUORATE_HOST_ROOT/run/units"
if [ -n "$later" ]; then
  [ ! -f "$QUORATE_HOST_ROOT/run/timer-fails" ] || { echo 'Failed to start transient timer unit' >&2; exit 1; }
  echo "in $later s: $*" >> "$QUORATE_HOST_ROOT/run/systemctl.log"
  printf 'LoadState=loaded\\nActiveState=active\\nSubState=waiting\\n' > "$units/$name.timer"; exit 0
fi
if "$@" > "$units/$name.log" 2>&1; then state=active; sub=exited; result=success; code=0; else code=$?; state=failed; sub=failed; result=exit-code; fi
printf 'LoadState=loaded\\nActiveState=%s\\nSubState=%s\\nUnitFileState=transient\\nResult=%s\\nExecMainStatus=%s\\nExecMainStartTimestamp=Tue 2026-03-03 10:11:12 UTC\\n' $state $sub $result $code > "$units/$name"`,
  journalctl: 'cat "$QUORATE_HOST_ROOT/run/units/$(echo "$1" | cut -d= -f2).log" 2>/dev/null || true',
  ss: 'case "$1" in -Htln*) cat "$QUORATE_HOST_ROOT/run/ss-listening" ;; *) cat "$QUORATE_HOST_ROOT/run/ss-established" ;; esac',
  ip: 'cat "$QUORATE_HOST_ROOT/run/ip-addr.json"',
  getent: 'exit 2',
  timedatectl: 'echo yes',
  kubeadm: `
case "$1" in version) echo v1.37.2 ;; config) echo "$*" > "$QUORATE_HOST_ROOT/run/images-asked"; printf 'registry.k8s.io/kube-apiserver:v1.37.2\\nregistry.k8s.io/pause:3.10\\n' ;; esac`,
  kubelet: "echo 'Kubernetes v1.37.2'",
  kubectl: 'echo \'{"clientVersion": {"gitVersion": "v1.37.2"}}\'',
  haproxy: `
case "$1" in -v) echo 'HAProxy version 2.6.12' ;; -c) if [ -f "$QUORATE_HOST_ROOT/run/haproxy-refuses" ]; then echo '[ALERT] parsing: unknown keyword'; exit 1; fi; echo 'Configuration file is valid' ;; esac`,
  keepalived: 'echo "Keepalived v2.2.7" >&2',
  'systemd-analyze': `
[ ! -f "$QUORATE_HOST_ROOT/run/unit-is-bad" ] || { echo "$3:9: Command /usr/sbin/haproxy is not executable" >&2; exit 1; }`,
}

const interfaces = [
  { ifname: 'lo', address: '00:00:00:00:00:00', mtu: 65536, addr_info: [{ local: '127.0.0.1', prefixlen: 8 }] },
  { ifname: 'host0', address: 'aa:bb:cc:dd:ee:ff', mtu: 1500, addr_info: [{ local: '192.168.13.30', prefixlen: 24 }] },
]

/** A node of its own folder: the real host, sealing and network of the agent; the programs are stand-ins in PATH. */
export class OpsNode {
  readonly root: string
  readonly name: string
  readonly tools: Tools
  readonly progress: string[] = []
  private operations = 0

  private constructor(root: string, name: string, tools: Tools) {
    this.name = name
    this.root = root
    this.tools = tools
  }

  static async make(t: Test, kube?: KubeApi, name = 'k8smaster2.example.com'): Promise<OpsNode> {
    const root = mkdtempSync(join(tmpdir(), 'quorate-ops-'))
    t.teardown(() => rmSync(root, { recursive: true, force: true }))
    const host = new LinuxHost(root)
    const criSocket = '/run/containerd/containerd.sock'
    const identity = await ownIdentity(host, identityOf(name))
    const place = { host, stateFolder: '/var/lib/quorate-agent', log: { warn: () => {} } }
    const denyList = await DenyList.open({ ...place, ca: () => identity.ca })
    const pins = new Pins({ ...place, enrolled: {} })
    const tools: Tools = {
      host,
      stateFolder: '/var/lib/quorate-agent',
      criSocket,
      network: new NodeNetwork({ host, holdAddress: '127.0.0.1' }),
      identity,
      sealing: await createSealing(identity, denyList),
      denyList,
      pins,
      backups: new BackupSealing({ ...place, pins }),
      looks: new DisturbingLooks(),
      kube: async () => kube ?? Promise.reject(new Error('no API server here')),
      etcd: () => Promise.reject(new Error('no etcd here')),
      cri: () => connectCri(host, criSocket),
    }
    const node = new OpsNode(root, name, tools)
    node.write('/run/ss-listening', '')
    node.write('/run/ss-established', '')
    node.write('/run/ip-addr.json', JSON.stringify(interfaces))
    mkdirSync(node.path('/run/units'))
    for (const [name, script] of Object.entries(programs)) node.program(name, script)
    // First in PATH, and the node's own: a second node in the same process takes its place.
    process.env['PATH'] = `${node.path('/stand-ins')}:/usr/bin:/bin`
    return node
  }

  /** As the coordinator names this node to one that seals. */
  get asRecipient(): SealingRecipient {
    return recipientOf(this.name, this.tools.sealing)
  }

  path(path: string): string {
    return join(this.root, path)
  }

  program(name: string, script: string): void {
    this.write(`/stand-ins/${name}`, `#!/bin/sh\n${script}\n`, 0o755)
  }

  removeProgram(name: string): void {
    rmSync(this.path(`/stand-ins/${name}`))
  }

  write(path: string, text: string | Uint8Array, mode = 0o644): void {
    mkdirSync(dirname(this.path(path)), { recursive: true })
    writeFileSync(this.path(path), text)
    chmodSync(this.path(path), mode)
  }

  link(path: string, target: string): void {
    mkdirSync(dirname(this.path(path)), { recursive: true })
    symlinkSync(target, this.path(path))
  }

  copy(fixture: string, path: string): void {
    cpSync(join(import.meta.dirname, '../fixtures', fixture), this.path(path), { recursive: true })
  }

  unit(name: string, activeState: string, unitFileState: string): void {
    const states = `LoadState=loaded\nActiveState=${activeState}\nSubState=running\nUnitFileState=${unitFileState}\n`
    this.write(`/run/units/${name}`, states)
  }

  read(path: string): string {
    return readFileSync(this.path(path), 'utf8')
  }

  /** undefined where there is no such file. */
  sha256(path: string): string | undefined {
    try {
      return sha256Hex(readFileSync(this.path(path)))
    } catch {
      return undefined
    }
  }

  mode(path: string): number {
    return statSync(this.path(path)).mode & 0o7777
  }

  /** What systemctl was told to change, in order. */
  serviceCommands(): string[] {
    try {
      return this.read('/run/systemctl.log')
        .split('\n')
        .filter((line) => line !== '' && !/^((stop|reset-failed) quorate-(op|put-back)|daemon-reload|cat )/.test(line))
    } catch {
      return []
    }
  }

  async change<In>(operation: ChangeOperation<In>, input: Omit<In, 'header'>): Promise<OperationResult> {
    const header = { operationId: `op-${++this.operations}`, runId, cluster: 'prod', fencingToken: 1 }
    const tidies: (() => Promise<void>)[] = []
    const result = await operation.run({ header, ...input } as In, {
      tools: this.tools,
      header,
      progress: (message) => void this.progress.push(message),
      signal: new AbortController().signal,
      onceRecorded: (tidy) => void tidies.push(tidy),
    })
    for (const tidy of tidies) await tidy()
    return result
  }
}

/** The error that a promise is rejected with; fails when it is not. */
export async function rejected(promise: Promise<unknown>): Promise<QuorateError> {
  try {
    await promise
  } catch (error) {
    return error as QuorateError
  }
  throw new Error('it was not rejected')
}
