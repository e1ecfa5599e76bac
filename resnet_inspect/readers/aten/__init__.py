"""ATen's operators as the files of torch write them: what exported programs and scripts share."""
