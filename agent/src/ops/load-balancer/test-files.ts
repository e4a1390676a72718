import { can } from '@quorate/shared/machine-versions'
import { commands } from '../../host/commands.js'
import type { Command, Host } from '../../host/host.js'
import { lastLines } from '../context/run-unit.js'
import { programOf } from '../facts/machine.js'
import type { RenderedProgram } from './render-files.js'

/** A file that its program rejects. */
export interface Refusal {
  readonly path: string
  readonly program: string
  readonly said: string
}

interface Staged {
  readonly host: Host
  /** Folder in tmpfs. */
  readonly folder: string
  readonly signal: AbortSignal
}

/** Lets the node's own haproxy or keepalived, and systemd, test the rendered files of a program; starts nothing. Undefined: all of them are valid. */
export async function testFiles(rendered: RenderedProgram, staged: Staged): Promise<Refusal | undefined> {
  const { place, unitFile } = rendered
  const ofProgram = await testConfig(rendered, staged)
  if (ofProgram !== undefined) return { path: place.configPath, program: place.program, said: ofProgram }
  if (unitFile === undefined) return undefined
  const name = unitFile.path.slice(unitFile.path.lastIndexOf('/') + 1)
  const { exitCode, said } = await tryFile(staged, { name, text: unitFile.text, command: commands.checkUnitFile })
  // Old versions fail for other units too, and it may be missing: only its messages about this file count.
  const own = said.split('\n').filter((line) => line.includes(name) && line.includes(': '))
  if (exitCode === 0 || own.length === 0) return undefined
  return { path: unitFile.path, program: 'systemd', said: own.join('\n').replaceAll(`${staged.folder}/`, '') }
}

async function testConfig({ place, config }: RenderedProgram, staged: Staged): Promise<string | undefined> {
  const { program, configPath } = place
  if (program === 'keepalived') {
    const installed = await programOf(staged.host, program, staged.signal)
    if (!can('keepalived-config-test', installed?.version ?? '')) return undefined
  }
  const name = configPath.slice(configPath.lastIndexOf('/') + 1)
  const command = program === 'haproxy' ? commands.checkHaproxyConfig : commands.checkKeepalivedConfig
  const { exitCode, said } = await tryFile(staged, { name, text: config, command })
  return exitCode === 0 ? undefined : lastLines(said).replaceAll(`${staged.folder}/`, '')
}

interface Tried {
  readonly name: string
  readonly text: string
  readonly command: (file: string) => Command
}

async function tryFile({ host, folder, signal }: Staged, { name, text, command }: Tried) {
  const path = `${folder}/${name}`
  await host.replace(path, Buffer.from(text), { mode: 0o600 })
  const { exitCode, stdout, stderr } = await host.run(command(path), signal).catch(() => programAbsent)
  return { exitCode, said: `${stdout}\n${stderr}`.trim() }
}

const programAbsent = { exitCode: 127, stdout: '', stderr: '' }
