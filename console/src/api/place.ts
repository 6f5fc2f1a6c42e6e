/** The path of the public URL, empty at the top of a host: `/pay` if the console is at `/pay/console/`. */
export const SERVER = location.pathname.replace(/\/(?:console|connect)(?:\/.*)?$/, '');

/** Where the routes of the console begin. */
export const BASE = `${SERVER}/console`;
