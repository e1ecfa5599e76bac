"""Archives that torch.jit wrote: their code is read and interpreted here."""
