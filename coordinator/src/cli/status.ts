import { parseRunId } from '@quorate/shared/names'
import { Command } from 'commander'
import { line } from '../documents/document.js'
import { run as runDocument, runs as runsDocument } from '../documents/run.js'
import type { LeaseHolder } from '../engine/lease.js'
import { documentedRun } from '../report/documented-run.js'
import { listRuns, readRun } from '../runs/context/read-runs.js'
import type { CommandMaker, CommonOptions } from './context.js'
import { runsText, runText } from './render/runs.js'
import { makeStyle } from './render/style.js'

/** How to stop a run without its terminal. */
const holderText = (holder: LeaseHolder | undefined): string =>
  holder === undefined
    ? ''
    : `\nProcess ${holder.pid} on ${holder.host} runs it. To stop it at a safe place:\n  kill ${holder.pid}\n`

export const makeCommand: CommandMaker = ({ terminal, openSession, now }) =>
  new Command('status')
    .description(
      'Without RUN: all runs of this state folder, newest first. With RUN: its steps, what runs or failed, which process runs it, and what to do next.',
    )
    .argument('[run]', 'run ID')
    .addHelpText('after', '\nExamples:\n  quorate status\n  quorate status 20261122t221530-ab12cd')
    .action(async (id: string | undefined, _options, command: Command) => {
      const { state, output } = command.optsWithGlobals<CommonOptions>()
      const session = await openSession(state)
      if (id === undefined) {
        const runs = await listRuns(session)
        return terminal.out(output === 'json' ? line(runsDocument, { runs }) : runsText(runs, now()))
      }
      const run = await readRun(session, parseRunId(id))
      if (output === 'json') return terminal.out(line(runDocument, documentedRun(run)))
      const holder = run.outcome === 'running' ? await session.leases.holder(run.cluster) : undefined
      terminal.out(runText(run, now(), makeStyle(terminal.coloured)) + holderText(holder))
    })
