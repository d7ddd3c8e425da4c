/** Programs that strangers point at SIP servers: SIPVicious (Debian: sipvicious) and sipsak, each run to its end. */
import { Folder } from './folder.ts'
import { Program } from './program.ts'

/** SIPVicious: svmap looks for servers, svwar for accounts, svcrack for a password. What it printed. */
export function sipvicious(tool: 'svmap' | 'svwar' | 'svcrack', port: number, args: readonly string[]): Promise<string> {
  return printed('sipvicious', tool, ['-p', `${port}`, ...args, '127.0.0.1'])
}

/** sipsak: `-F` floods, `-R` damages. */
export function sipsak(port: number, args: readonly string[]): Promise<string> {
  return printed('sipsak', 'sipsak', [...args, '-s', `sip:juliet@127.0.0.1:${port}`])
}

async function printed(debianPackage: string, command: string, args: readonly string[]): Promise<string> {
  const home = await Folder.make(command)
  try {
    // SIPVicious keeps its sessions in the home directory.
    const program = Program.start({ command, args, env: { HOME: home.path }, cwd: home.path, package: debianPackage })
    program.endInput()
    await program.end(50_000)
    return program.lines.all.join('\n')
  } finally {
    await home.remove()
  }
}
