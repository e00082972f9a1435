"""Opinion analysis: what a text praises and blames, how it feels overall, and which side of a proposal it takes."""
