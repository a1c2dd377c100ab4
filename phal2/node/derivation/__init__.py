"""Derivation: from L1 blocks to payload attributes, one stage a file, without I/O or clock.

l1_traversal → l1_retrieval → frame_queue → channel_assembler → channel_reader → batch_stage → attributes, joined by
`pipeline`. The rules are Holocene's (OP Stack "Holocene: Derivation").

Stages up to the channel reader are iterators that never end: they yield None where the present L1 block holds nothing
more, and go on when asked again after the pipeline has moved to the next L1 block.
"""
