"""The village: a made world whose truth is known, told in English and in Korean."""
