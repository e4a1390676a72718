import { Command } from 'commander'
import { runStore } from '../engine/run-store.js'
import { enrolledNodes } from '../state/enrolled-nodes.js'
import { statePaths } from '../state/paths.js'
import { candidates, type Names } from './complete.js'
import type { CliContext, CommandMaker, CommonOptions } from './context.js'

/**
 * Each shell asks this program at every Tab, so that what it offers is what this release has, and names of runs and nodes are those of the state
 * folder. The answer is one line for each word, `WORD<tab>HELP`; a last line `:files` asks for names of files too.
 */
const scripts = {
  bash: `# bash completion of quorate; load it with: source <(quorate completion bash)
_quorate() {
  local IFS=$'\\n' line current=\${COMP_WORDS[COMP_CWORD]}
  COMPREPLY=()
  while read -r line; do
    if [ "$line" = :files ]; then compopt -o default; COMPREPLY+=($(compgen -f -- "$current")); else COMPREPLY+=("\${line%%$'\\t'*}"); fi
  done < <(quorate completion words -- "\${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null)
}
complete -F _quorate quorate
`,
  zsh: `#compdef quorate
# zsh completion of quorate; put it as _quorate into a folder of $fpath, or load it with: source <(quorate completion zsh)
_quorate() {
  local line files='' entries=()
  while IFS= read -r line; do
    if [[ $line == :files ]]; then files=yes; continue; fi
    entries+=("\${\${line%%$'\\t'*}//:/\\\\:}:\${line#*$'\\t'}")
  done < <(quorate completion words -- "\${(@)words[2,CURRENT]}" 2>/dev/null)
  (( $#entries )) && _describe -V quorate entries
  [[ -n $files ]] && _files
}
[ "$funcstack[1]" = _quorate ] && _quorate "$@" || compdef _quorate quorate
`,
  fish: `# fish completion of quorate; load it with: quorate completion fish | source
function __quorate
  set -l words (commandline -opc)[2..] (commandline -ct)
  for line in (quorate completion words -- $words 2>/dev/null)
    if test "$line" = :files
      __fish_complete_path (commandline -ct)
    else
      echo $line
    end
  end
end
complete -c quorate -f -a '(__quorate)'
`,
} as const

type Shell = keyof typeof scripts

const where: Readonly<Record<Shell, string>> = {
  bash: 'quorate completion bash > /etc/bash_completion.d/quorate',
  zsh: 'quorate completion zsh > /usr/local/share/zsh/site-functions/_quorate',
  fish: 'quorate completion fish > ~/.config/fish/completions/quorate.fish',
}

export const makeCommand: CommandMaker = (context) => {
  const group = new Command('completion').description(
    'Prints a script for a shell. Tab then completes commands and options of this release, and names of runs and nodes from the state folder.',
  )
  for (const shell of Object.keys(scripts) as Shell[])
    group.addCommand(
      new Command(shell)
        .summary(`print the script for ${shell}`)
        .addHelpText('after', `\nExample:\n  ${where[shell]}`)
        .action(() => context.terminal.out(scripts[shell])),
    )
  return group.addCommand(wordsCommand(context), { hidden: true })
}

/** What the scripts call. */
const wordsCommand = (context: CliContext) =>
  new Command('words')
    .summary('what may follow the words of a command line')
    .argument('[words...]', 'words after `quorate`, the last one as far as it is typed')
    .action(async (words: readonly string[], _options, command: Command) => {
      const { state } = command.optsWithGlobals<CommonOptions>()
      const program = command.parent?.parent
      if (!program) return
      const { words: found, files } = await candidates(program, words.length === 0 ? [''] : words, namesIn(state))
      const lines = found.map(({ word, says }) => `${word}\t${says.split('\n')[0]}`)
      context.terminal.out([...lines, ...(files ? [':files'] : [])].map((line) => `${line}\n`).join(''))
    })

/** Read from the files alone: a Tab opens no session, which may renew an identity. Without a state folder there are no names, which is no error here. */
function namesIn(state: string): Names {
  const paths = statePaths(state)
  const none = (): readonly string[] => []
  return {
    runs: () =>
      runStore(paths.runs)
        .list()
        .then((ids) => [...ids].sort().reverse(), none),
    nodes: () => enrolledNodes(paths).then((nodes) => nodes.map(({ name }) => name), none),
  }
}
