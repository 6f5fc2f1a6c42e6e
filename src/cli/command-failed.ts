/** The command can't do what it was asked; the message is for the user, as it stands. */
export class CommandFailed extends Error {
  override readonly name = 'CommandFailed';
}
