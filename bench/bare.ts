/** The floor: a compiled Bun program that does nothing but become another one. */
process.execve?.("/bin/true", ["/bin/true"], process.env);
