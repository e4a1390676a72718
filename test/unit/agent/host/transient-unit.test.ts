import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { LinuxHost } from '../../../../agent/src/host/linux-host.js'
import { runAsUnit } from '../../../../agent/src/host/transient-unit.js'
import { parseSystemdTime } from '../../../../agent/src/host/unit-state.js'

/**
 * systemd's part in shell: units are folders below $UNITS, a unit's process is a child of nobody (setsid), the journal is a file.
 * Small enough to be read against systemd-run(1) and systemctl(1).
 */
const programs = {
  'systemd-run': `
for word; do case "$word" in --unit=*) unit=\${word#--unit=};; esac; done
while [ "$1" != -- ]; do shift; done; shift
[ -d "$UNITS/$unit" ] && { echo "Unit $unit was already loaded or has a fragment file." >&2; exit 1; }
mkdir "$UNITS/$unit"; : > "$UNITS/$unit/journal"; echo "$*" >> "$UNITS/starts"
setsid sh -c 'date -u "+%a %Y-%m-%d %H:%M:%S UTC" > "$0/start"; "$@" >> "$0/journal" 2>&1; echo $? > "$0/code.new"; mv "$0/code.new" "$0/code"' "$UNITS/$unit" "$@" < /dev/null > /dev/null 2>&1 &
`,
  systemctl: `
unit=$UNITS/$2
case "$1" in
show)
  [ -d "$unit" ] || { printf 'LoadState=not-found\\nActiveState=inactive\\nSubState=dead\\nResult=success\\n'; exit; }
  echo LoadState=loaded; echo "ExecMainStartTimestamp=$(cat "$unit/start" 2>/dev/null)"
  if [ ! -f "$unit/code" ]; then printf 'ActiveState=activating\\nSubState=start\\nResult=success\\nExecMainStatus=0\\n'
  elif [ "$(cat "$unit/code")" = 0 ]; then printf 'ActiveState=active\\nSubState=exited\\nResult=success\\nExecMainStatus=0\\n'
  else printf 'ActiveState=failed\\nSubState=failed\\nResult=exit-code\\n'; echo "ExecMainStatus=$(cat "$unit/code")"; fi;;
stop) [ "$(cat "$unit/code")" = 0 ] && rm -r "$unit"; true;;
reset-failed) [ -d "$unit" ] || exit 1; rm -r "$unit";;
esac
`,
  journalctl: `cat "$UNITS/\${1#--unit=}/journal"`,
}

function machine(t: Test) {
  const root = t.testdir({ bin: {}, units: {} })
  for (const [name, body] of Object.entries(programs)) {
    writeFileSync(join(root, 'bin', name), `#!/bin/sh\n${body}`)
    chmodSync(join(root, 'bin', name), 0o755)
  }
  const before = { PATH: process.env['PATH'], UNITS: process.env['UNITS'] }
  Object.assign(process.env, { PATH: `${join(root, 'bin')}:${before.PATH}`, UNITS: join(root, 'units') })
  t.teardown(() => {
    process.env['PATH'] = before.PATH
    delete process.env['UNITS']
  })
  const starts = () => readFileSync(join(root, 'units/starts'), 'utf8').trim().split('\n')
  return { root, host: new LinuxHost(root), starts, loaded: (unit: string) => existsSync(join(root, 'units', unit)) }
}

const shell = (script: string) => ({ file: 'sh', args: ['-c', script], timeoutMs: 20_000 })
const signal = new AbortController().signal

t.test('a unit is followed to its end: each line once, exit code, start, and nothing stays loaded', async (t) => {
  const { host, loaded } = machine(t)
  const lines: string[] = []
  const before = Date.now()
  const ended = await runAsUnit({
    host,
    operationId: 'op-1',
    command: shell('echo one; sleep 0.4; echo two; printf three'),
    onLine: (line) => lines.push(line),
    signal,
  })
  t.match(ended, { exitCode: 0, output: 'one\ntwo\nthree' })
  t.same(lines, ['one', 'two', 'three'])
  t.ok(Math.abs(ended.startedAtUnixMs - before) < 5000)
  t.notOk(loaded('quorate-op-1.service'))
})

t.test('a failure is an answer with its own exit code, and is unloaded too', async (t) => {
  const { host, loaded } = machine(t)
  const ended = await runAsUnit({
    host,
    operationId: 'op-2',
    label: 'join',
    command: shell('echo why; exit 7'),
    signal,
  })
  t.match(ended, { exitCode: 7, output: 'why\n' })
  t.notOk(loaded('quorate-op-2-join.service'))
})

t.test('losing the follower leaves the unit; the next one attaches and does not start it again', async (t) => {
  const { root, host, starts, loaded } = machine(t)
  const command = shell(`echo begun; while [ ! -e ${root}/go ]; do sleep 0.05; done; echo ended`)
  const lost = new AbortController()
  const first = runAsUnit({
    host,
    operationId: 'op-3',
    command,
    onLine: () => lost.abort(new Error('agent gone')),
    signal: lost.signal,
  })
  await t.rejects(first, /agent gone/)
  t.ok(loaded('quorate-op-3.service'))
  mkdirSync(join(root, 'go'))
  t.match(await runAsUnit({ host, operationId: 'op-3', command, signal }), { exitCode: 0, output: 'begun\nended\n' })
  t.equal(starts().length, 1)
})

t.test('one that does not end in time still runs and says where to look', async (t) => {
  const { root, host, loaded } = machine(t)
  const command = shell(`while [ ! -e ${root}/go ]; do sleep 0.05; done`)
  await t.rejects(runAsUnit({ host, operationId: 'op-4', command, signal, timeoutMs: 50 }), {
    code: 'GATE_TIMEOUT',
    remedy: /journalctl --unit=quorate-op-4.service/,
  })
  t.ok(loaded('quorate-op-4.service'))
  mkdirSync(join(root, 'go'))
  await runAsUnit({ host, operationId: 'op-4', command, signal })
})

t.test('one that vanishes before its end was seen has an unknown outcome', async (t) => {
  const { root, host } = machine(t)
  const command = shell(`echo x; rm -r ${root}/units/quorate-op-5.service; sleep 1`)
  await t.rejects(runAsUnit({ host, operationId: 'op-5', command, signal }), { code: 'OPERATION_UNKNOWN_OUTCOME' })
})

t.test('times of systemd, asked in UTC', async (t) => {
  t.equal(parseSystemdTime('Sun 2026-11-22 22:46:12 UTC'), Date.UTC(2026, 10, 22, 22, 46, 12))
  t.equal(parseSystemdTime(''), 0)
  t.equal(parseSystemdTime('n/a'), 0)
})
