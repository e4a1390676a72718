import { Command, Option } from 'commander'
import t from 'tap'
import { manPage } from '../../../packaging/man-page.js'

const program = new Command('prog').description('Does a thing. Then more.')
program
  .command('go')
  .description('.starts with a dot, back\\slash, and-hyphen')
  .argument('<node...>', 'nodes')
  .addOption(new Option('-k, --kind <kind>', 'which').choices(['a', 'b']).default('a'))
  .addOption(new Option('--secret').hideHelp())
  .addHelpText('after', '\nExample:\n  prog go n1')
program.command('words', { hidden: true }).description('for shells')
const group = program.command('group').description('a group')
group.command('inner').description('inside')

const page = manPage(program, { section: 1, day: '2026-11-30', version: '1.2.3', seeAlso: [['other', 8]] })

t.test('each command that can be typed has its part, with arguments, options and examples', async (t) => {
  t.match(page, /^\.TH PROG 1 2026-11-30 "prog 1\.2\.3"\n\.SH NAME\nprog \\- Does a thing\n/)
  t.match(page, /\.SS prog go <node\.\.\.>\n/)
  t.match(page, /\.B \\-k, \\-\\-kind <kind>\nwhich \(one of a, b; default: a\)/)
  t.match(page, /\.nf\nExample:\n {2}prog go n1\n\.fi/)
  t.match(page, /\.SS prog group inner\n/)
  t.match(page, /\.SH SEE ALSO\n\.BR other \(8\)/)
  t.notMatch(page, /secret|words|\.SS prog group\n/)
})

t.test('no text is taken for a request of the formatter', async (t) => {
  t.match(page, /^\\&\.starts with a dot, back\\eslash, and\\-hyphen$/m)
})
