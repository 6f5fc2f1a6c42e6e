/**
 * On SIGUSR1 Node would open its debugger, which shows all of the memory. Imported first, since the other modules take a second to load.
 * Node since 22.14 has `--disable-sigusr1`, which holds from the very start: `npm start` and the image give it.
 */
process.on('SIGUSR1', () => undefined);
