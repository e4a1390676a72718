import { Argument, Command } from 'commander'
import { clusterFileJsonSchema } from '../config/cluster-file-schema.js'
import type { CommandMaker } from './context.js'

const examples = `
Example:
  quorate schema cluster > cluster.schema.json

An editor with a YAML language server completes and checks a cluster file that begins with this line:
  # yaml-language-server: $schema=./cluster.schema.json`

export const makeCommand: CommandMaker = ({ terminal }) =>
  new Command('schema')
    .description(
      'Prints the JSON schema (2020-12) of the cluster file, with a description of every key. Needs no network.',
    )
    .addArgument(new Argument('<what>', 'cluster: the cluster file').choices(['cluster']))
    .addHelpText('after', examples)
    .action(() => terminal.out(`${JSON.stringify(clusterFileJsonSchema(), null, 2)}\n`))
