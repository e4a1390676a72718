export interface UnitService {
  /** PID of its process while it runs. */
  pid?(): number | undefined
  start(): Promise<void>
  stop(): Promise<void>
  /** Undefined: restarted instead. */
  reload?(): Promise<void>
  /** Restart=always: systemd retries a failed start forever, as for kubeadm's kubelet.service. */
  readonly autoRestart?: boolean
}

interface Unit {
  readonly name: string
  readonly service: UnitService | undefined
  activeState: 'inactive' | 'activating' | 'active' | 'failed' | 'deactivating'
  subState: string
  enabled: boolean
  readonly transient: boolean
  result: string
  status: number
  activeEnter: number
  execStart: number
  readonly journal: string[]
  /** Aborted when a transient unit is stopped or the power is cut: its program ends at once. */
  readonly life: AbortController
}

export interface ProgramResult {
  readonly exitCode: number
  readonly stdout: string
  readonly stderr: string
}

const said = (exitCode: number, stderr: string): ProgramResult => ({
  exitCode,
  stdout: '',
  stderr: stderr === '' ? '' : `${stderr}\n`,
})
const ok = (stdout = ''): ProgramResult => ({ exitCode: 0, stdout, stderr: '' })
const withSuffix = (name: string): string => (/\.(service|timer|socket)$/.test(name) ? name : `${name}.service`)

/** Unit files in /etc/systemd/system. */
export interface UnitFiles {
  read(unit: string): string | undefined
  /** What such a file starts; undefined if the laboratory does not simulate it. */
  serviceOf(unit: string, text: string): UnitService | undefined
}

/** systemd of one node: its services, transient units and their journal, with systemctl's output. */
export class Units {
  private readonly units = new Map<string, Unit>()
  /** Units that have a file. */
  private readonly ofFiles = new Set<string>()
  private readonly files: UnitFiles
  /** Every transient unit ever started here, in order, across power cuts: for tests that count what was done. */
  readonly started: { readonly unit: string; readonly command: string }[] = []

  constructor(files: UnitFiles = { read: () => undefined, serviceOf: () => undefined }) {
    this.files = files
  }

  /** The unit of that name; its file is read on the first request. */
  private find(name: string): Unit | undefined {
    const full = withSuffix(name)
    const known = this.units.get(full)
    if (known !== undefined) return known
    const text = this.files.read(full)
    const service = text === undefined ? undefined : this.files.serviceOf(full, text)
    if (service === undefined) return undefined
    const unit = newUnit(full, service, false, false)
    this.units.set(full, unit)
    this.ofFiles.add(full)
    return unit
  }

  /** A unit whose file is gone is forgotten, unless it runs or failed. */
  private reloadFiles(): void {
    for (const name of this.ofFiles) {
      if (this.files.read(name) !== undefined || this.units.get(name)?.activeState !== 'inactive') continue
      this.units.delete(name)
      this.ofFiles.delete(name)
    }
  }

  add(name: string, service: UnitService | undefined, enabled: boolean): void {
    this.units.set(withSuffix(name), newUnit(withSuffix(name), service, enabled, false))
  }

  isActive(name: string): boolean {
    return this.find(name)?.activeState === 'active'
  }

  isEnabled(name: string): boolean {
    return this.find(name)?.enabled ?? false
  }

  async start(name: string): Promise<ProgramResult> {
    const unit = this.find(name)
    if (unit === undefined) return said(5, `Failed to start ${withSuffix(name)}: Unit ${withSuffix(name)} not found.`)
    if (unit.activeState === 'active') return ok()
    unit.execStart = Date.now()
    try {
      await unit.service?.start()
    } catch (error) {
      unit.journal.push(error instanceof Error ? error.message : String(error))
      if (unit.service?.autoRestart) {
        Object.assign(unit, { activeState: 'activating', subState: 'auto-restart', result: 'exit-code', status: 1 })
        return ok()
      }
      Object.assign(unit, { activeState: 'failed', subState: 'failed', result: 'exit-code', status: 1 })
      return said(1, `Job for ${unit.name} failed because the control process exited with error code.`)
    }
    Object.assign(unit, {
      activeState: 'active',
      subState: 'running',
      result: 'success',
      status: 0,
      activeEnter: Date.now(),
    })
    return ok()
  }

  async stop(name: string): Promise<ProgramResult> {
    const unit = this.find(name)
    if (unit === undefined) return said(5, `Failed to stop ${withSuffix(name)}: Unit ${withSuffix(name)} not loaded.`)
    if (unit.activeState === 'active') await unit.service?.stop()
    unit.life.abort()
    // A stopped transient unit is unloaded, while it runs or after its success; a failed one stays until reset-failed.
    if (unit.transient && unit.activeState !== 'failed') this.units.delete(unit.name)
    else if (unit.activeState !== 'failed') Object.assign(unit, { activeState: 'inactive', subState: 'dead' })
    return ok()
  }

  /** Power cut: no clean stop; transient units and journals in tmpfs are gone. */
  async cutPower(): Promise<void> {
    for (const unit of [...this.units.values()]) {
      if (unit.activeState === 'active') await unit.service?.stop().catch(() => {})
      Object.assign(unit, { activeState: 'inactive', subState: 'dead' })
      if (!unit.transient) continue
      unit.life.abort()
      this.units.delete(unit.name)
    }
  }

  async boot(): Promise<void> {
    for (const unit of this.units.values()) if (unit.enabled) await this.start(unit.name)
  }

  /** systemctl. */
  async control(args: readonly string[]): Promise<ProgramResult> {
    const [verb = '', ...rest] = args.filter((word) => !word.startsWith('-'))
    const now = args.includes('--now')
    if (args.includes('--version')) return ok('systemd 252 (252.39-1~deb12u1)\n+PAM +AUDIT\n')
    if (verb === 'daemon-reload') {
      this.reloadFiles()
      return ok()
    }
    if (verb === 'show') return ok(rest.map((name) => this.show(name, args)).join('\n'))
    for (const name of rest) {
      const answer = await this.controlOne(verb, name, now)
      if (answer.exitCode !== 0) return answer
    }
    return ok()
  }

  private async controlOne(verb: string, name: string, now: boolean): Promise<ProgramResult> {
    const unit = this.find(name)
    if (verb === 'start') return this.start(name)
    if (verb === 'stop') return this.stop(name)
    if (unit === undefined)
      return said(verb === 'reset-failed' ? 1 : 5, `Failed to ${verb} unit: Unit ${withSuffix(name)} not loaded.`)
    if (verb === 'restart') {
      await this.stop(name)
      return this.start(name)
    }
    if (verb === 'reload-or-restart' && unit.activeState === 'active' && unit.service?.reload !== undefined) {
      await unit.service.reload()
      return ok()
    }
    if (verb === 'reload-or-restart') return this.controlOne('restart', name, false)
    if (verb === 'is-active')
      return { exitCode: unit.activeState === 'active' ? 0 : 3, stdout: `${unit.activeState}\n`, stderr: '' }
    if (verb === 'is-enabled')
      return { exitCode: unit.enabled ? 0 : 1, stdout: unit.enabled ? 'enabled\n' : 'disabled\n', stderr: '' }
    if (verb === 'reset-failed') {
      if (unit.activeState === 'failed')
        Object.assign(unit, { activeState: 'inactive', subState: 'dead', result: 'success' })
      if (unit.transient) this.units.delete(unit.name)
      return ok()
    }
    if (verb === 'enable' || verb === 'disable') {
      unit.enabled = verb === 'enable'
      return now ? this.controlOne(verb === 'enable' ? 'start' : 'stop', name, false) : ok()
    }
    return said(1, `Unknown command verb ${verb}.`)
  }

  private show(name: string, args: readonly string[]): string {
    const unit = this.find(name)
    const wanted = args
      .filter((word) => word.startsWith('--property='))
      .flatMap((word) => word.slice('--property='.length).split(','))
    const properties: Record<string, string> = {
      LoadState: unit === undefined ? 'not-found' : 'loaded',
      ActiveState: unit?.activeState ?? 'inactive',
      SubState: unit?.subState ?? 'dead',
      UnitFileState: unit === undefined ? '' : unit.transient ? 'transient' : unit.enabled ? 'enabled' : 'disabled',
      Result: unit?.result ?? 'success',
      ExecMainStatus: String(unit?.status ?? 0),
      MainPID: String((unit?.activeState === 'active' ? unit.service?.pid?.() : undefined) ?? 0),
      ActiveEnterTimestamp: timestamp(unit?.activeEnter ?? 0),
      ExecMainStartTimestamp: timestamp(unit?.execStart ?? 0),
    }
    const known = Object.entries(properties).filter(([property]) => wanted.length === 0 || wanted.includes(property))
    const lines = known.map(([property, value]) => (args.includes('--value') ? value : `${property}=${value}`))
    return `${lines.join('\n')}\n`
  }

  /** systemd-run: an independent unit; a second one of the name is refused while the first is loaded. */
  runTransient(
    args: readonly string[],
    run: (program: string, args: readonly string[], out: (line: string) => void, life: AbortSignal) => Promise<number>,
  ): ProgramResult {
    const split = args.indexOf('--')
    const options = split < 0 ? args : args.slice(0, split)
    const [program = '', ...rest] = split < 0 ? [] : args.slice(split + 1)
    const name = withSuffix(
      options.find((word) => word.startsWith('--unit='))?.slice('--unit='.length) ?? `run-${Date.now()}`,
    )
    const after = options.find((word) => word.startsWith('--on-active='))
    if (after !== undefined)
      return this.startLater(name, Number(after.replace(/^.*=/, '')), () =>
        this.runTransient(
          args.filter((word) => word !== after),
          run,
        ),
      )
    if (this.units.has(name)) {
      return said(1, `Failed to start transient service unit: Unit ${name} was already loaded or has a fragment file.`)
    }
    const unit = newUnit(name, undefined, false, true)
    this.units.set(name, unit)
    this.started.push({ unit: name, command: [program, ...rest].join(' ') })
    const description = `${name} - ${[program, ...rest].join(' ')}`
    Object.assign(unit, { activeState: 'activating', subState: 'start', execStart: Date.now() })
    unit.journal.push(`Starting ${description}...`)
    const keepsOutput = !options.includes('--property=StandardOutput=null')
    const out = (line: string): void => {
      unit.life.signal.throwIfAborted()
      if (keepsOutput || line.startsWith('\u0000')) unit.journal.push(line.replace('\u0000', ''))
    }
    void run(program, rest, out, unit.life.signal)
      .catch((error: unknown) => {
        unit.journal.push(String(error))
        return 1
      })
      .then((status) => {
        unit.status = status
        unit.activeEnter = status === 0 ? Date.now() : 0
        if (status === 0) Object.assign(unit, { activeState: 'active', subState: 'exited', result: 'success' })
        // Without it systemd unloads a unit that has succeeded.
        if (status === 0 && !options.includes('--property=RemainAfterExit=yes')) this.units.delete(name)
        if (status !== 0) Object.assign(unit, { activeState: 'failed', subState: 'failed', result: 'exit-code' })
        if (status !== 0)
          unit.journal.push(
            `${name}: Main process exited, code=exited, status=${status}/FAILURE`,
            `${name}: Failed with result 'exit-code'.`,
          )
        unit.journal.push(status === 0 ? `Finished ${description}.` : `Failed to start ${description}.`)
      })
    return said(0, `Running as unit: ${name}`)
  }

  /** systemd-run --on-active: a timer of the service's name, which is unloaded when it has elapsed or was stopped. */
  private startLater(service: string, seconds: number, start: () => ProgramResult): ProgramResult {
    const name = service.replace(/\.service$/, '.timer')
    if (this.units.has(name))
      return said(1, `Failed to start transient timer unit: Unit ${name} was already loaded or has a fragment file.`)
    const unit = newUnit(name, undefined, false, true)
    Object.assign(unit, { activeState: 'active', subState: 'waiting', activeEnter: Date.now() })
    this.units.set(name, unit)
    const timer = setTimeout(() => {
      this.units.delete(name)
      start()
    }, seconds * 1000)
    unit.life.signal.addEventListener('abort', () => clearTimeout(timer))
    return said(0, `Running timer as unit: ${name}`)
  }

  /** journalctl --unit=NAME --output=cat. */
  journal(args: readonly string[]): ProgramResult {
    const name = withSuffix(args.find((word) => word.startsWith('--unit='))?.slice('--unit='.length) ?? '')
    const lines = this.units.get(name)?.journal ?? []
    return ok(lines.length === 0 ? '-- No entries --\n' : `${lines.join('\n')}\n`)
  }
}

function newUnit(name: string, service: UnitService | undefined, enabled: boolean, transient: boolean): Unit {
  return {
    name,
    service,
    activeState: 'inactive',
    subState: 'dead',
    enabled,
    transient,
    result: 'success',
    status: 0,
    activeEnter: 0,
    execStart: 0,
    journal: [],
    life: new AbortController(),
  }
}

const days = ['Sun', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat']

/** `Tue 2026-03-03 10:11:12 UTC`, whole seconds, as systemctl prints it. */
function timestamp(at: number): string {
  if (at === 0) return ''
  const date = new Date(at)
  return `${days[date.getUTCDay()]} ${date.toISOString().slice(0, 19).replace('T', ' ')} UTC`
}
