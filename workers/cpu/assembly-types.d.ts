// AssemblyScript's number types, for tsc reading layout.ts.
declare type u32 = number;
