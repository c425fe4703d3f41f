// Which Guesthouse this is: what the terminal and the monitor say, and what stands in files that are sent.

export const VERSION = "0.1.0";
export const PROGRAM = `Guesthouse ${VERSION}`;
