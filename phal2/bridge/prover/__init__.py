"""The prover: it executes L2 blocks again from a witness, and signs what they come to.

It runs inside an enclave as `python -m phal2.bridge.prover`. But for that program's standard input and output it does
no I/O, and it asks for neither time nor randomness: all that it judges by comes with the request and the rollup
configuration.
"""
