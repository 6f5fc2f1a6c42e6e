// Node opens its debugger on SIGUSR1, which exposes the process's memory. From 22.14 on, `--disable-sigusr1`
// prevents that from the first moment: `npm start` and the image pass it. Older versions ignore the signal
// from here on.
process.on('SIGUSR1', () => undefined);

// Imported after the handler is set, because loading all modules takes a second.
const { serve } = await import('./bootstrap/server.js');
await serve();
